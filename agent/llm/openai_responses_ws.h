#pragma once
// OpenAI Responses over a WebSocket (GET */responses with Upgrade). The client sends {"type": "response.create", ...},
// the server answers with the events of the HTTP stream. Both may name a `stream_id`: lanes that share the socket. In a
// lane responses come in the order of their requests, and there may be several requests waiting.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "agent/llm/openai_responses.h"
#include "agent/llm/websocket_dialect.h"

namespace llmsnoop::llm {

class OpenaiResponsesWs final : public WebSocketDialect {
 public:
    explicit OpenaiResponsesWs(model::LossCounters& losses) : WebSocketDialect(losses) {}

 protected:
    void from_client(Json message, const model::Frame& frame, Calls& calls) override;
    void from_server(Json message, const model::Frame& frame, Calls& calls) override;

 private:
    struct Turn {
        std::string lane;  // as the wire names it
        std::string name;  // in Calls: unique
        Answer answer;
        ResponseReader reader{answer};
    };

    Turn& begin(std::string lane, base::Time time, Calls& calls);
    Turn* oldest(std::string_view lane);

    std::deque<std::unique_ptr<Turn>> turns_;  // not over yet, oldest first
    std::uint64_t begun_ = 0;
};

}  // namespace llmsnoop::llm
