#pragma once
// OpenAI Assistants: POST */threads/T/runs and */threads/runs. A run answers at once with its status, and does its work
// later; with "stream": true the events of the run follow, and the last one has its usage. Finish reason: the status.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class OpenaiAssistants final : public JsonDialect {
 public:
    explicit OpenaiAssistants(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_run(Json run, base::Time time, model::LlmCall& call);
};

}  // namespace llmsnoop::llm
