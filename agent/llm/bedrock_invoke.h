#pragma once
// Bedrock invoke: POST */model/ID/invoke, invoke-with-response-stream, invoke-with-bidirectional-stream. The bodies are
// those of the model's own family; in a stream each event holds one such document as {"bytes": base64}.
//
// Usage, best first: the family's own, the metrics at the end of a stream, the response's headers; a side that is
// missing is filled from the next (traps T24, T25).
#include <memory>
#include <optional>

#include "agent/llm/bedrock_converse.h"
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class BedrockInvoke final : public JsonDialect {
 public:
    explicit BedrockInvoke(model::LossCounters& losses) : JsonDialect(losses), converse_(answer()) {}

    void response_head(const model::MessageHead& head, Calls& calls) override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_inner(std::string_view text, const model::Frame& frame, Calls& calls);
    void read_family(Json document, std::string_view text, const model::Frame& frame, Calls& calls);
    void read_native(Json document, base::Time time, model::LlmCall& call);
    void settle_usage(model::LlmCall& call);

    std::unique_ptr<JsonDialect> inner_;  // Anthropic's or OpenAI's dialect, once a document has shown it
    ConverseReader converse_;
    std::optional<model::ReportedUsage> family_;
    std::optional<model::ReportedUsage> metrics_;
    std::optional<model::ReportedUsage> headers_;
    std::string tier_;  // of the headers
};

}  // namespace llmsnoop::llm
