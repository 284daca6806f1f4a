#include "tests/support/servers/websocket_session.h"

#include <chrono>
#include <thread>

namespace llmsnoop::support {
namespace {

constexpr std::size_t kReadSize = 16384;

// The JSON of one server-sent event: "event: NAME\ndata: JSON\n\n".
std::string_view data_of(std::string_view event) {
    const std::size_t at = event.find("data: ");
    if (at == std::string_view::npos) return {};
    return event.substr(at + 6, event.find('\n', at) - at - 6);
}

// RFC 7692, section 5: the server may only accept what the client has offered.
Deflate agreed(const HttpRequest& handshake, Deflate wanted) {
    const bool offered =
        handshake.header("sec-websocket-extensions").find("permessage-deflate") != std::string_view::npos;
    return offered ? wanted : Deflate::none;
}

}  // namespace

bool asks_for_websocket(const HttpRequest& request) {
    return request.method == "GET" && request.header("upgrade") == "websocket" &&
           !request.header("sec-websocket-key").empty();
}

bool WebSocketSession::serve(const HttpRequest& handshake, const std::string& early) {
    const Deflate deflate = agreed(handshake, target_.options.deflate);
    std::string out;
    append(out,
           "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ",
           accept_key(handshake.header("sec-websocket-key")), "\r\n");
    if (deflate == Deflate::takeover) out += "sec-websocket-extensions: permessage-deflate\r\n";
    if (deflate == Deflate::no_takeover)
        out +=
            "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    out += "\r\n";
    if (!channel_.write(out)) return false;

    FrameReader reader(deflate);
    FrameWriter writer(Masking::none, deflate);
    reader.feed(early);
    char block[kReadSize];
    for (;;) {
        while (const auto message = reader.next()) {
            if (message->opcode == Opcode::close) {
                out.clear();
                writer.control(out, Opcode::close, message->payload);
                return channel_.write(out);
            }
            if (message->opcode == Opcode::text && !answer(*message, writer)) return false;
        }
        if (reader.failed()) return false;
        const std::size_t got = channel_.read(block, sizeof block);
        if (got == 0) return true;
        reader.feed({block, got});
    }
}

bool WebSocketSession::answer(const Message& message, FrameWriter& writer) {
    HttpRequest request;
    request.body = message.payload;
    request.body.insert(request.body.rfind('}'), R"(,"stream":true)");  // what a message leaves out: it always streams
    request.body_bytes = message.payload.size();
    OpenCall call = desk_.open(request, Api::openai_responses, target_);
    call.entry.status = 101;
    SentBody sent;
    std::string out;
    for (std::size_t i = 0; i < call.answer.pieces(); ++i) {
        out.clear();
        const std::string_view data = data_of(call.answer.piece(i));
        writer.text(out, data.empty() ? call.answer.piece(i) : data, call.options.fragment,
                    i == 1 ? "still there?" : "");
        sent.body_bytes += data.size();
        sent.pieces = i + 1;
        sent.whole = i + 1 == call.answer.pieces();
        if (sent.whole) desk_.close(call, sent);
        if (call.options.die_after == i || !channel_.write(out)) {
            sent.pieces = i;
            sent.whole = false;
            desk_.close(call, sent);
            return false;
        }
        if (call.options.gap_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(call.options.gap_us));
    }
    return true;
}

}  // namespace llmsnoop::support
