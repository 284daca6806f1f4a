#pragma once
// Ollama's own API: POST /api/chat, /api/generate, /api/embed, /api/embeddings. Answers are a series of JSON lines
// unless the request says "stream": false.
//
// Usage: prompt_eval_count and eval_count of the last line. Either may be missing: it is unknown then, not zero (trap
// T22).
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class Ollama final : public JsonDialect {
 public:
    enum class Kind : std::uint8_t { chat, generate, embed };

    Ollama(Kind kind, model::LossCounters& losses) : JsonDialect(losses), kind_(kind) {}

    model::Framing response_framing() const override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    void read_usage(Json document, model::LlmCall& call);

    Kind kind_;
    bool stream_ = true;
};

}  // namespace llmsnoop::llm
