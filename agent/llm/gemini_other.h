#pragma once
// Gemini beyond generateContent: Interactions (POST */interactions), embeddings (:embedContent, :batchEmbedContents),
// and Vertex' older :predict. Counting tokens (:countTokens) is openai_responses.h's TokenCounting: it uses none.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

// Usage stands in the interaction that comes with the last event. Finish reason: the status.
class GeminiInteractions final : public JsonDialect {
 public:
    explicit GeminiInteractions(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    void read_interaction(Json interaction, base::Time time, model::LlmCall& call);
    void read_step(Json step, const std::string& key, base::Time time, model::LlmCall& call);
    bool steps_seen_ = false;
};

class GeminiEmbed final : public JsonDialect {
 public:
    explicit GeminiEmbed(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

// {instances, parameters} -> {predictions}: embeddings with a token count each, or whatever the model makes.
class VertexPredict final : public JsonDialect {
 public:
    explicit VertexPredict(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

}  // namespace llmsnoop::llm
