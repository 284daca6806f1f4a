#pragma once
// Requests that make vectors or an order of documents instead of text: OpenAI's */embeddings (Voyage, Jina and Mistral
// speak it too, watsonx nearly) and the rerank APIs of Cohere, Jina, Voyage, SiliconFlow, Together, OpenRouter,
// DashScope and watsonx.
//
// They generate no tokens: output is 0 where an input is reported (trap T19). Cohere charges reranking by search units,
// which are no tokens and go to the details.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class OpenaiEmbeddings final : public JsonDialect {
 public:
    explicit OpenaiEmbeddings(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

class Rerank final : public JsonDialect {
 public:
    explicit Rerank(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

}  // namespace llmsnoop::llm
