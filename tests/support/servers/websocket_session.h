#pragma once
// A connection that has become a WebSocket: OpenAI's Responses API as it is spoken there. The client sends
// {"type":"response.create","model":...,"input":...}, the server answers with the events of the HTTP stream, one
// message each. Every turn is an exchange of the ledger, with status 101.
#include <string>

#include "tests/support/net/websocket_frames.h"
#include "tests/support/servers/channel.h"
#include "tests/support/servers/desk.h"

namespace llmsnoop::support {

bool asks_for_websocket(const HttpRequest& request);

class WebSocketSession {
 public:
    // All references must outlive the session. `target.options` holds for every turn.
    WebSocketSession(Channel& channel, Desk& desk, const Target& target)
        : channel_(channel), desk_(desk), target_(target) {}

    // Shakes hands and answers until either side ends the connection; `early` holds bytes that came with the request.
    // True if it ended in good order.
    bool serve(const HttpRequest& handshake, const std::string& early);

 private:
    bool answer(const Message& message, FrameWriter& writer);

    Channel& channel_;
    Desk& desk_;
    const Target& target_;
};

}  // namespace llmsnoop::support
