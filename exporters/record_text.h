#pragma once
// A record as one line for people: `llmsnoop trace` and `replay` on a terminal. Columns are aligned as long as the
// values keep to their widths; the form may change from version to version (programs read JSON).
//
// clang-format off
//   TIME          PROCESS        PROVIDER  MODEL   OPERATION  STATUS    IN  CACHED  OUT  REASON   TTFT   TOOK  NOTES
//   10:38:00.123Z python3[4711]  openai    gpt-4o  chat       200     1234    1000   56       -  312ms  1.52s  tools look_up
// clang-format on
//
// "-" is unknown, "~" before a count says that it was not reported but counted from the text. NOTES holds what is out
// of the ordinary: an error, findings, a verdict other than complete.
#include <cstdint>
#include <string>

#include "agent/model/cleared.h"
#include "agent/model/exchange.h"

namespace llmsnoop::exporters {

enum class Colour : std::uint8_t { off, on };

void append_record_text(std::string& out, const model::Cleared<model::Exchange>& exchange, Colour colour);

// The names of the columns, as one line.
void append_record_text_header(std::string& out, Colour colour);

}  // namespace llmsnoop::exporters
