#pragma once
// An exchange as text one can read and write by hand, driven through the registry and a dialect. Used by the goldens in
// tests/golden/dialects and by tests in code.
//
//   # a comment
//   > POST /v1/chat/completions            the request's head: method and target, then headers
//   > host: api.openai.com
//   {"model": "gpt-4o", …}                 its body
//   < 200                                  the response's head
//   < content-type: text/event-stream
//   data: {…}                              its body, cut by its content type: SSE, JSON lines, or one document;
//                                          for vnd.amazon.eventstream each line is `NAME {…}`, `!NAME {…}` for an
//                                          exception, and `NAME base64 {…}` for {"bytes": …}; for multipart requests
//                                          each line is a field, `NAME=value`
//   c {…}  s {…}                           messages on a WebSocket, by client and server
//   = provider: openai                     what is expected: all lines of `describe`, in its order
//
// "> lost" and "< lost" stand for heads that were lost. Lines of a body that begin with one of the marks are written
// with a backslash in front. Results of batches are counted. A line that ends in " \" goes on in the next one, without
// the blanks that it begins with.
#include <string>
#include <vector>

#include "agent/llm/dialect.h"

namespace llmsnoop::llm {

struct Script {
    model::MessageHead request;
    model::MessageHead response;
    bool answered = false;
    std::string request_body;
    std::string response_body;
    std::vector<std::pair<char, std::string>> messages;  // WebSocket: 'c' or 's'
    std::string expected;
};

enum class FastPath : std::uint8_t { on, off };

Script parse_script(std::string_view text);

// The calls that came of it; nothing if it was not recognised. Frame times: 1 ms apart.
std::vector<FinishedCall> run(const Script& script, model::LossCounters& losses, FastPath fast_path = FastPath::on);
std::vector<FinishedCall> run(std::string_view text);

// What is known of the calls, one fact a line.
std::string describe(const std::vector<FinishedCall>& calls);
// The same of a script's run, and the losses that it counted.
std::string describe_run(std::string_view text);

}  // namespace llmsnoop::llm
