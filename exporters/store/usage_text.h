#pragma once
// A usage report as text: a table for people, JSON for programs, CSV for spreadsheets; and back from JSON, which is
// what an agent's API answers with.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "exporters/store/usage_query.h"

namespace llmsnoop::exporters::store {

enum class UsageFormat : std::uint8_t { table, json, csv };
base::Result<UsageFormat> parse_usage_format(std::string_view text);

// Counts are right-aligned and grouped; "-" is unknown, "~" before a count says that a part of it was estimated, "+"
// behind it that it is unknown of some exchanges. Control characters are escaped.
std::string usage_table(const UsageReport& report);

// One object and a line feed. What is unknown is absent.
std::string usage_json(const UsageReport& report);
base::Result<UsageReport> parse_usage_json(std::string_view text);

// RFC 4180. A text that a spreadsheet could take for a formula gets an apostrophe in front.
std::string usage_csv(const UsageReport& report);

}  // namespace llmsnoop::exporters::store
