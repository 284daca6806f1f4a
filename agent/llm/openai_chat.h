#pragma once
// OpenAI Chat Completions and what most of the world has made of it; and the older Completions, which differ in where
// the text stands. POST */chat/completions, */completions. Under paths of their own: MiniMax
// (*/text/chatcompletion_v2), Snowflake (*/cortex/inference:complete), watsonx (*/text/chat[_stream], model_id).
//
// Usage: `usage` of the body, or of the last chunk that has one. Several snapshots replace each other (trap T9); Groq's
// is first under `x_groq` (T10), Moonshot's in the choice (T11). llama.cpp without usage has `timings` (T23).
#include <string>
#include <string_view>
#include <vector>

#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class OpenaiChat final : public JsonDialect {
 public:
    enum class Kind : std::uint8_t { chat, completions };

    OpenaiChat(Kind kind, model::LossCounters& losses) : JsonDialect(losses), kind_(kind) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    enum class Told : std::uint8_t { new_part, so_far };  // what a message of a stream holds
    struct OpenTool {
        std::size_t choice;
        std::uint64_t index;
        std::string key;  // the tool call that this index stands for now
    };

    void read_choice(Json choice, std::size_t position, const model::Frame& frame, model::LlmCall& call);
    void read_message(Json message, std::size_t choice, Told told, base::Time time, model::LlmCall& call);
    void read_tool(Json tool, std::size_t choice, std::size_t position, base::Time time, model::LlmCall& call);

    Kind kind_;
    std::vector<OpenTool> open_tools_;
};

}  // namespace llmsnoop::llm
