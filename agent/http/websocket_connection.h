#pragma once
// Both directions of a WebSocket: the rest of an HTTP/1.1 connection after its upgrade, or the two halves of an HTTP/2
// stream after an extended CONNECT (RFC 8441). The two messages of the exchange end with the close frames.
#include <array>

#include "agent/http/websocket_reader.h"
#include "agent/model/capture_event.h"

namespace llmsnoop::http {

class WebSocketConnection {
 public:
    // `response`: the head that agreed to the WebSocket, and to its extensions.
    WebSocketConnection(model::ExchangeNumber exchange, const model::MessageHead& response, model::LossCounters& losses,
                        const Limits& limits);

    WebSocketReader& reader(model::Part part) { return readers_[static_cast<std::size_t>(part)]; }
    const WebSocketReader& reader(model::Part part) const { return readers_[static_cast<std::size_t>(part)]; }

    // Ends what no close frame has ended.
    void end(model::Part part, base::Time time, HttpOut out);
    void close(model::ConnectionClosed::How how, base::Time time, HttpOut out);

 private:
    WebSocketConnection(model::ExchangeNumber exchange, const DeflateTerms& terms, model::LossCounters& losses,
                        const Limits& limits);

    std::array<WebSocketReader, 2> readers_;
};

}  // namespace llmsnoop::http
