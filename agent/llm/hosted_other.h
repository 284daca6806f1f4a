#pragma once
// Hosted services with an API of their own:
//
//   watsonx      POST */ml/V/text/generation[_stream], */ml/V/generation/text[_stream]   {model_id, input}
//   Aleph Alpha  POST */complete                                                         {model, prompt,
//   maximum_tokens} Replicate    POST */predictions                                                      {version,
//   input}; a job: status, not answer SageMaker    POST */endpoints/E/invocations[-response-stream] whatever the
//   container inside speaks
#include <memory>
#include <string>

#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class Watsonx final : public JsonDialect {
 public:
    explicit Watsonx(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

class AlephAlpha final : public JsonDialect {
 public:
    explicit AlephAlpha(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

class Replicate final : public JsonDialect {
 public:
    explicit Replicate(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

// A part of its response stream is any piece of the container's own stream, so that lines have to be put together
// again.
class SageMaker final : public JsonDialect {
 public:
    explicit SageMaker(model::LossCounters& losses) : JsonDialect(losses) {}

    void response_head(const model::MessageHead& head, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;
    void end(base::Time time, Calls& calls) override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    JsonDialect& inner(Json document);
    void read_line(std::string_view line, const model::Frame& frame, Calls& calls);

    std::unique_ptr<JsonDialect> inner_;  // OpenAI's or TGI's, whichever the first document shows
    std::string line_;                    // of the container's stream, as far as it came
    model::Frame last_;
};

}  // namespace llmsnoop::llm
