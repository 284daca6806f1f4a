#pragma once
// The native APIs of inference servers, beside the OpenAI paths that all of them have as well:
//
//   TGI        POST /generate, /generate_stream, /, /invocations        {inputs, parameters}
//   llama.cpp  POST /completion, /infill                                {prompt}
//   SGLang     POST /generate                                           {text | input_ids, sampling_params}
//   Triton     POST /v2/models/M[/versions/V]/generate[_stream], /infer {text_input}
//
// Usage: TGI reports what it generated in `details` and headers; llama.cpp `tokens_evaluated`, the whole prompt, where
// its timings leave out the cached part (trap T23); SGLang `meta_info`, cumulative in every event; Triton nothing.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class Tgi final : public JsonDialect {
 public:
    explicit Tgi(model::LossCounters& losses) : JsonDialect(losses) {}

    void response_head(const model::MessageHead& head, Calls& calls) override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_result(Json result, std::size_t choice, const model::Frame& frame, model::LlmCall& call);
};

class LlamaCpp final : public JsonDialect {
 public:
    explicit LlamaCpp(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    bool several_ = false;  // prompts, whose answers end one by one
};

class Sglang final : public JsonDialect {
 public:
    explicit Sglang(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_one(Json result, std::size_t choice, const model::Frame& frame, model::LlmCall& call,
                  model::ReportedUsage& usage);
};

class Triton final : public JsonDialect {
 public:
    explicit Triton(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;
};

}  // namespace llmsnoop::llm
