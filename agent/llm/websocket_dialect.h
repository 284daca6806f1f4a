#pragma once
// What dialects on a WebSocket share: messages are JSON in both directions, and each turn of the conversation is a call
// of its own, opened and finished by the dialect in a lane of `Calls`.
#include <memory>
#include <string>
#include <string_view>

#include "agent/llm/answer.h"
#include "agent/llm/dialect.h"
#include "agent/llm/json.h"

namespace llmsnoop::llm {

class WebSocketDialect : public Dialect {
 public:
    explicit WebSocketDialect(model::LossCounters& losses) : losses_(losses) {}

    void request(const model::Frame& frame, Calls& calls) override;
    // A handshake that failed is a call that failed.
    void response_head(const model::MessageHead& head, Calls& calls) override;
    void response(const model::Frame& frame, Calls& calls) override;

 protected:
    virtual void from_client(Json message, const model::Frame& frame, Calls& calls) = 0;
    virtual void from_server(Json message, const model::Frame& frame, Calls& calls) = 0;

 private:
    void lose(Calls& calls);

    model::LossCounters& losses_;
    int status_ = 0;
};

}  // namespace llmsnoop::llm
