#pragma once
// Bedrock Converse: POST */model/ID/converse and */model/ID/converse-stream (application/vnd.amazon.eventstream). The
// model is in the path.
//
// Usage: once, in the body or in the stream's last event, `metadata`. Cache reads and writes lie outside inputTokens,
// except in the streams of OpenAI's models (trap T4).
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

// Reads Converse documents; used for Nova inside invoke as well.
class ConverseReader {
 public:
    explicit ConverseReader(Answer& answer) : answer_(answer) {}

    static void read_request(Json body, model::LlmCall& call);
    // A body {output, stopReason, usage} or the document of a stream's event, which its own members tell apart.
    void read(Json document, base::Time time, model::LlmCall& call);

 private:
    void read_block(Json block, const std::string& key, base::Time time, model::LlmCall& call);

    Answer& answer_;
};

class BedrockConverse final : public JsonDialect {
 public:
    explicit BedrockConverse(model::LossCounters& losses) : JsonDialect(losses), reader_(answer()) {}

    void response_head(const model::MessageHead& head, Calls& calls) override;

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    ConverseReader reader_;
};

// The type of an AWS error: "ValidationException:http://…" or "com.amazon…#ValidationException".
void read_aws_error_type(const model::MessageHead& head, model::LlmCall& call);

}  // namespace llmsnoop::llm
