#pragma once
// One call of a model, in the same words whatever dialect it was made in. Filled by a dialect (agent/llm).
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/content.h"
#include "agent/model/usage.h"

namespace llmsnoop::model {

// Text of one role. `text` is the concatenation of the text parts; other parts (images, audio, files) are only counted.
struct Message {
    std::string role;
    Content text;
    std::uint32_t other_parts = 0;

    friend bool operator==(const Message&, const Message&) = default;
};

struct ToolCall {
    std::string name;
    std::string id;
    Content arguments;  // JSON text, as sent

    friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct LlmError {
    std::string type;
    std::string code;
    Content message;

    friend bool operator==(const LlmError&, const LlmError&) = default;
};

// Arrival of the events that carried content, for time to first token and inter-token times. Gaps are kept up to a
// limit.
struct ContentTiming {
    std::optional<base::Time> first;
    std::optional<base::Time> last;
    std::vector<std::uint32_t> gaps_us;

    friend bool operator==(const ContentTiming&, const ContentTiming&) = default;
};

struct LlmCall {
    std::string provider;   // OpenTelemetry's gen_ai.provider.name, or a registrable host, or self_hosted
    std::string dialect;    // name as in DIALECTS: openai.chat, anthropic.messages, ...
    std::string operation;  // chat, text_completion, embeddings, fetch_response, ...
    std::string request_model;
    std::string response_model;
    std::string response_id;
    std::string service_tier;  // that served the call, in the provider's word: default, flex, priority, ...
    std::optional<bool> stream;
    std::optional<std::uint32_t> choices;     // asked for or given
    std::vector<std::string> finish_reasons;  // the provider's strings, one per choice
    std::vector<ToolCall> tool_calls;         // in order, repeated as called
    std::optional<LlmError> error;
    std::optional<ReportedUsage> reported;
    std::vector<Message> prompt;      // only as far as hashing, estimation or policy need it
    std::vector<Message> completion;  // one per choice
    Content reasoning;                // thinking that the model showed, all choices together
    Content tool_definitions;         // the request's tools, as JSON text
    bool prompt_cut = false;          // prompt or completion is longer than is kept
    bool completion_cut = false;
    ContentTiming timing;

    friend bool operator==(const LlmCall&, const LlmCall&) = default;
};

}  // namespace llmsnoop::model
