#pragma once
// Writes what a dialect learns of one model call into its model::LlmCall, within the limits of limits.h: prompt
// messages, pieces of the answer as they arrive, tool calls whose arguments come in deltas, finish reasons, errors,
// arrival times.
//
// One object per call, beside the call (which moves about). Not thread-safe.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/llm/json.h"
#include "agent/model/llm_call.h"

namespace llmsnoop::llm {

class Answer {
 public:
    // What was added since the count was last taken: the fast path may only repeat a chunk that added one piece of
    // text.
    struct Added {
        enum class What : std::uint8_t { nothing, text, reasoning, arguments, other };
        What what = What::nothing;
        std::size_t choice = 0;  // of text
        std::size_t tool = 0;    // of arguments: in the call's list
        std::size_t pieces = 0;
        const char* source = nullptr;  // where the last piece was read from; to be compared, not followed
    };

    // The next event begins: all that it holds arrives at once.
    void begin_event() { arrived_ = false; }

    void text(model::LlmCall& call, std::size_t choice, std::string_view piece, base::Time time);
    void reasoning(model::LlmCall& call, std::string_view piece, base::Time time);
    // From events that repeat what came before: `whole` is the text so far.
    void text_so_far(model::LlmCall& call, std::size_t choice, std::string_view whole, base::Time time);
    void reasoning_so_far(model::LlmCall& call, std::string_view whole, base::Time time);
    // Content without text (audio, images): only its arrival counts.
    void other_content(model::LlmCall& call, base::Time time);

    // The tool call with that key (an index or identifier, unique among the calls of this answer); begun on first use.
    // Null once there are too many.
    model::ToolCall* tool(model::LlmCall& call, std::string_view key);
    bool has_tool(std::string_view key) const;
    void tool_name(model::LlmCall& call, std::string_view key, std::string_view name);
    void tool_id(model::LlmCall& call, std::string_view key, std::string_view id);
    void tool_arguments(model::LlmCall& call, std::string_view key, std::string_view piece, base::Time time);
    void tool_arguments(model::LlmCall& call, std::string_view key, Json value, base::Time time);
    void tool_arguments_so_far(model::LlmCall& call, std::string_view key, std::string_view whole, base::Time time);
    // A call that comes whole.
    void tool_call(model::LlmCall& call, std::string_view name, std::string_view id, Json arguments, base::Time time);

    void finish(model::LlmCall& call, std::size_t choice, std::string_view reason);

    Added take_added();
    // Adds a piece where `like` was added.
    void add(model::LlmCall& call, const Added& like, std::string_view piece, base::Time time);

 private:
    struct Tool {
        std::string key;
        std::size_t index;
    };
    void append(model::LlmCall& call, std::string& out, std::string_view piece);
    void arrived(model::LlmCall& call, base::Time time);
    void added(Added::What what, std::size_t where, const char* source);
    void arguments(model::LlmCall& call, std::size_t tool, std::string_view piece, base::Time time);

    std::vector<Tool> tools_;
    std::size_t bytes_ = 0;
    bool arrived_ = false;  // content of the current event has been noted
    Added added_;
};

// First and last arrival of content, and the gaps between: once for each event that bears some.
void note_content(model::LlmCall& call, base::Time time);

// Adds messages to the prompt, within limits; beyond them `prompt_cut` is set and nothing is added any more.
// Making one takes as long as there are messages already: make one for many messages.
class PromptWriter {
 public:
    enum class Of : std::uint8_t { request, conversation };  // which limits hold

    explicit PromptWriter(model::LlmCall& call, Of of = Of::request);
    void add(std::string_view role, std::string_view text, std::uint32_t other_parts = 0);

 private:
    model::LlmCall& call_;
    Of of_;
    std::size_t bytes_ = 0;
};

// The text of a message: a string, or the concatenation of `text` members of a list of parts. Other parts are counted.
struct PartsText {
    std::string text;
    std::uint32_t other_parts = 0;
};
PartsText text_of_parts(Json content);

// Messages as most dialects write them: [{role, content: text or parts}].
void read_messages(Json messages, model::LlmCall& call);
// The request's tools, as JSON text.
void set_tool_definitions(model::LlmCall& call, Json tools);

// A short text (name, identifier, reason) as a string of bounded length.
std::string bounded(std::string_view text);
std::string bounded_message(std::string_view text);  // likewise, for what an error says
// A value that is written as a string by some and as a number by others.
std::string text_or_number(Json value);

// Sets `field` if `text` is not empty.
void set_if_given(std::string& field, std::string_view text);

}  // namespace llmsnoop::llm
