#pragma once
// Anthropic's Text Completions, before Messages: POST /v1/complete. It reports no usage.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class AnthropicComplete final : public JsonDialect {
 public:
    explicit AnthropicComplete(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;
};

}  // namespace llmsnoop::llm
