// WebSocket connections, with and without compression: as http1_fuzz, behind an upgrade. Bit 0 of the options:
// compression.
#include "tests/fuzz/http_conversation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace llmsnoop;
    fuzz::Conversation talk = fuzz::read_conversation(data, size);
    const bool compressed = !talk.from_start;
    talk.from_start = true;
    const std::size_t message_limit = talk.limits.websocket_message;
    talk.limits = {};
    talk.limits.websocket_message = message_limit;

    fuzz::Record request;
    request.bytes = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    fuzz::Record response;
    response.direction = model::Direction::received;
    response.bytes = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n";
    if (compressed) response.bytes += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    response.bytes += "\r\n";
    talk.records.insert(talk.records.begin(), {request, response});
    fuzz::check(talk);
    return 0;
}
