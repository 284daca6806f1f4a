#pragma once
// A record as one JSON object, schema "llmsnoop.exchange/1": the form of the audit log, of `trace --json` and of
// `replay`. exporters/record.schema.json describes every member; what is unknown is absent.
//
// The order of the members is fixed, strings are well-formed UTF-8 whatever the exchange holds, and there is no line
// break.
#include <string>
#include <string_view>

#include "agent/model/cleared.h"
#include "agent/model/exchange.h"

namespace llmsnoop::exporters {

inline constexpr std::string_view kRecordSchema = "llmsnoop.exchange/1";

// Appends the object. `node` is the name of this machine; empty where it says nothing about the record (replay).
void append_record_json(std::string& out, const model::Cleared<model::Exchange>& exchange, std::string_view node);

}  // namespace llmsnoop::exporters
