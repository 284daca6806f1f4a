#include "tests/support/servers/session.h"

#include <algorithm>

#include "tests/support/net/wording.h"
#include "tests/support/servers/websocket_session.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kBulkWrite = 16384;

}  // namespace

bool Session::serve() {
    HttpRequest request;
    for (;;) {
        switch (reader_.read(request)) {
            case ReadOutcome::closed:
                return true;
            case ReadOutcome::malformed:
                return writer_.send_plain(400, "text/plain", "malformed request\n", false);
            case ReadOutcome::too_large:
                return writer_.send_plain(413, "text/plain", "request too large\n", false);
            case ReadOutcome::request:
                break;
        }
        switch (answer(request)) {
            case Next::request:
                break;
            case Next::goodbye:
                return true;
            case Next::cut:
                return false;
        }
    }
}

Session::Next Session::answer(const HttpRequest& request) {
    const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto api = api_of(request.method, path);
    const bool websocket = path.ends_with("/v1/responses") && asks_for_websocket(request);
    if (!api && !websocket) return answer_other(request, path);
    const auto target = parse_target(request.target);
    if (!target) return plain(request, {400, "text/plain", target.error().message + "\n"});
    return websocket ? upgrade(request, *target) : answer_call(request, *api, *target);
}

Session::Next Session::answer_call(const HttpRequest& request, Api api, const Target& target) {
    OpenCall call = desk_.open(request, api, target);
    const SentBody sent = writer_.send(call.answer, call.options, request.keep_alive,
                                       [&](const SentBody& expected) { desk_.close(call, expected); });
    if (!sent.whole) {
        desk_.close(call, sent);
        return Next::cut;
    }
    return request.keep_alive && call.options.framing != Framing::until_close ? Next::request : Next::goodbye;
}

Session::Next Session::answer_other(const HttpRequest& request, std::string_view path) {
    const std::string_view query =
        std::string_view(request.target).substr(std::min(path.size() + 1, request.target.size()));
    if (path.starts_with("/bulk/"))
        if (const auto size = parse_size(path.substr(6))) return send_bulk(*size);
    return plain(request, desk_.document(path, query));
}

Session::Next Session::plain(const HttpRequest& request, const Document& document) {
    if (!writer_.send_plain(document.status, document.content_type, document.body, request.method == "HEAD"))
        return Next::cut;
    return request.keep_alive ? Next::request : Next::goodbye;
}

// RFC 6455, section 1.3: after the handshake the connection is the WebSocket's.
Session::Next Session::upgrade(const HttpRequest& request, const Target& target) {
    WebSocketSession socket(channel_, desk_, target);
    return socket.serve(request, reader_.take_rest()) ? Next::goodbye : Next::cut;
}

// A download that is no model's answer, in writes of one full TLS record.
Session::Next Session::send_bulk(std::uint64_t size) {
    static const std::string block = Wording(1).exactly(kBulkWrite);
    std::string head;
    append(head, "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ", size, "\r\n\r\n");
    if (!channel_.write(head)) return Next::cut;
    while (size > 0) {
        const std::size_t part = std::min<std::uint64_t>(size, block.size());
        if (!channel_.write(std::string_view(block).substr(0, part))) return Next::cut;
        size -= part;
    }
    return Next::request;
}

}  // namespace llmsnoop::support
