#pragma once
// Anthropic Messages: POST */v1/messages; on Vertex */publishers/anthropic/models/M:rawPredict; inside Bedrock's
// invoke.
//
// Usage of a stream: message_start has a first snapshot, whose output is a placeholder, message_delta the final counts,
// cumulative. Each field is set by the last event that has it and never added (traps T1, T2).
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class AnthropicMessages final : public JsonDialect {
 public:
    explicit AnthropicMessages(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    void read_message(Json message, model::LlmCall& call);
    void read_content(Json content, std::string_view prefix, base::Time time, model::LlmCall& call);
    void read_block(Json block, std::string_view key, base::Time time, model::LlmCall& call);
    void end_block(std::string_view key, base::Time time, model::LlmCall& call);
    void read_delta(Json delta, std::string_view key, base::Time time, model::LlmCall& call);
};

}  // namespace llmsnoop::llm
