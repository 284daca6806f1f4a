#pragma once
// Mistral's Conversations, with or without an agent: POST */conversations begins one, */conversations/ID goes on with
// it,
// */conversations/ID/restart begins again at one of its entries.
//
// {outputs: [{type: message.output | function.call | tool.execution | agent.handoff, ...}], usage}, or events named by
// `type`. What tools of the server (connectors) put before the model is counted beside the prompt, in connector_tokens,
// and is part of the total. There is no finish reason, and no identifier of the response but that of its first entry:
// conversation_id stays the same from turn to turn.
#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

class MistralConversations final : public JsonDialect {
 public:
    explicit MistralConversations(model::LossCounters& losses) : JsonDialect(losses) {}

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;
    Chunks chunks() const override;

 private:
    void read_entry(Json entry, std::string_view type, base::Time time, model::LlmCall& call);
    void read_content(Json content, base::Time time, model::LlmCall& call);
};

}  // namespace llmsnoop::llm
