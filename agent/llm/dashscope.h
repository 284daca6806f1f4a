#pragma once
// DashScope's own API (Alibaba Cloud): POST /api/v1/services/aigc/{text,multimodal}-generation/generation and
// /api/v1/services/embeddings/…. A stream is asked for by a header (X-DashScope-SSE: enable).
//
// In a stream every event has the usage and, unless the request says incremental_output, the whole text so far.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class DashScope final : public JsonDialect {
 public:
    enum class Kind : std::uint8_t { generation, embeddings };

    DashScope(Kind kind, model::LossCounters& losses) : JsonDialect(losses), kind_(kind) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void add_text(model::LlmCall& call, std::size_t choice, std::string_view text, base::Time time);
    void read_message(Json message, std::size_t choice, base::Time time, model::LlmCall& call);

    Kind kind_;
    bool incremental_ = false;
};

}  // namespace llmsnoop::llm
