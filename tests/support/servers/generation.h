#pragma once
// What the pretended model produces, before an API's JSON is put around it: token counts, deltas of text, tool calls.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/net/wording.h"
#include "tests/support/servers/dialects.h"

namespace llmsnoop::support {

struct GeneratedCall {
    std::string name;
    std::string id_suffix;               // 24 characters, to be put behind the API's prefix
    std::string arguments;               // a JSON object
    std::vector<std::string> fragments;  // the same, in the pieces a stream sends
};

class Generation {
 public:
    explicit Generation(const Call& call);

    // The next delta of text: JSON string content, without the quotes.
    std::string_view delta();

    // All counts are present; reasoning is 0 where nothing was thought.
    const TokenCounts& counts() const { return counts_; }
    const std::vector<GeneratedCall>& tool_calls() const { return tool_calls_; }
    unsigned deltas() const { return deltas_; }  // text deltas of each choice
    std::string identifier(std::size_t size) { return wording_.identifier(size); }

 private:
    void make_tool_calls(const Call& call);
    void make_counts(const Call& call);

    Wording wording_;
    std::size_t delta_bytes_;
    std::string delta_;
    unsigned deltas_;
    TokenCounts counts_;
    std::vector<GeneratedCall> tool_calls_;
};

// Puts `text` into `out` as JSON string content: quotes, backslashes and control characters escaped.
void append_escaped(std::string& out, std::string_view text);

// The dated name under which a provider answers for an alias: gpt-4o-mini is answered as gpt-4o-mini-2024-07-18.
std::string_view answered_model(std::string_view requested);

// Cuts a document into pieces, so that it can be sent slowly, chunked, or cut off.
void cut_document(Answer& answer);

}  // namespace llmsnoop::support
