#pragma once
// Times as people and records write them.
#include <optional>
#include <string_view>

#include "agent/base/clock.h"
#include "agent/base/result.h"

namespace llmsnoop::exporters::store {

// RFC 3339: 2026-11-20T10:38:00Z, with up to nine decimals, and Z or an offset. Years 1678 to 2261.
std::optional<base::Time> parse_rfc3339(std::string_view text);

// What --since and --until take: RFC 3339; a date (2026-11-20: its beginning in UTC); a span before now (90s, 15m, 24h,
// 7d, 2w); now, today and yesterday (their beginning in UTC). An error (kind usage) says what is wanted.
base::Result<base::Time> parse_when(std::string_view text, base::Time now);

}  // namespace llmsnoop::exporters::store
