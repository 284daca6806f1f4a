#pragma once
// Cohere: POST /v2/chat (a stream is SSE), /v1/chat and /v1/generate (JSON lines), /v1/embed and /v2/embed.
//
// Cohere reports twice: `tokens`, what the model saw and made, are the counts; `billed_units` go to the details (trap
// T20), unless they are all there is. Image tokens lie outside the input (T31).
#include <optional>
#include <string>

#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

// `usage` of v2, `meta` of v1: {tokens, billed_units, cached_tokens}.
std::optional<model::ReportedUsage> read_cohere_usage(Json usage);

class CohereChat final : public JsonDialect {
 public:
    enum class Version : std::uint8_t { v1, v2 };

    CohereChat(Version version, model::LossCounters& losses) : JsonDialect(losses), version_(version) {}

    model::Framing response_framing() const override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    void read_v1(Json document, base::Time time, model::LlmCall& call);
    void read_v1_answer(Json response, base::Time time, model::LlmCall& call);
    void read_v2(Json document, base::Time time, model::LlmCall& call);
    void read_v2_message(Json message, const std::string& key, base::Time time, model::LlmCall& call);
    void read_v2_tool(Json tool, const std::string& key, base::Time time, model::LlmCall& call);

    Version version_;
    bool stream_ = false;
    bool text_seen_ = false;  // v1: the last event repeats the whole answer
};

class CohereEmbed final : public JsonDialect {
 public:
    explicit CohereEmbed(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
};

}  // namespace llmsnoop::llm
