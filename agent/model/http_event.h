#pragma once
// One vocabulary for HTTP/1.1, HTTP/2 and WebSocket: what a connection's parser says happened.
//
// For each exchange, in this order: RequestStarted, then request body events, then MessageEnded{request}; likewise for
// the response. The two interleave (a response may start before its request has ended). An exchange whose request was
// not seen has a RequestStarted with `MessageHead::lost` set. After MessageEnded for both parts, the number is not used
// again.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/connection.h"
#include "agent/model/loss.h"

namespace llmsnoop::model {

enum class Protocol : std::uint8_t { unknown, http1, http2, websocket };
std::string_view name_of(Protocol value);  // "http/1.1", "h2", "websocket", ""

enum class Part : std::uint8_t { request, response };

// Names are lower case (RFC 9113 section 8.2.1 for HTTP/2, folded for HTTP/1.1); values have no surrounding white
// space.
struct Header {
    std::string name;
    std::string value;

    friend bool operator==(const Header&, const Header&) = default;
};

struct MessageHead {
    Protocol protocol = Protocol::unknown;
    bool lost = false;      // not seen or not decodable: everything below may be empty
    std::string method;     // requests
    std::string target;     // requests: path and query, as sent
    std::string authority;  // requests: Host or :authority
    int status = 0;         // responses
    std::vector<Header> headers;

    friend bool operator==(const MessageHead&, const MessageHead&) = default;
};

// The value of the first header of that (lower-case) name, or nothing.
std::optional<std::string_view> header(const MessageHead& head, std::string_view name);

// Unique in one connection: an ordinal for HTTP/1.1, the stream identifier for HTTP/2.
using ExchangeNumber = std::uint32_t;

// `after_gap`: an unknown number of bytes is missing before the head (or was, while the message was awaited), so that
// what belonged to the exchange in them, if anything, was not seen.
struct RequestStarted {
    ExchangeNumber exchange = 0;
    base::Time time;
    std::shared_ptr<const MessageHead> head;
    bool after_gap = false;
};

// The final response; informational ones (1xx other than 101) are passed over.
struct ResponseStarted {
    ExchangeNumber exchange = 0;
    base::Time time;
    std::shared_ptr<const MessageHead> head;
    bool after_gap = false;
};

// Body bytes after transfer coding, before content coding. Valid only during the call that delivers them.
struct BodyBytes {
    ExchangeNumber exchange = 0;
    Part part = Part::request;
    base::Time time;
    base::Bytes bytes;
};

// Body bytes are missing here. `length` is absent where even the number is unknown.
struct BodyGap {
    ExchangeNumber exchange = 0;
    Part part = Part::request;
    base::Time time;
    std::optional<std::uint64_t> length;
    Loss reason = Loss::stream_gap;
};

struct MessageEnded {
    enum class How : std::uint8_t {
        as_framed,   // the length, the last chunk or END_STREAM said so
        by_close,    // the connection was closed in order, which is how this body ends (RFC 9112 section 6.3)
        cut_off,     // the connection or stream ended before the message did
        left,        // likewise, by the will of whoever was reading the message
        given_up,    // we lost track of the message; what was delivered may not be all of it
        unfinished,  // nothing ended it: the source stopped first
    };

    ExchangeNumber exchange = 0;
    Part part = Part::request;
    base::Time time;
    How how = How::as_framed;

    friend bool operator==(const MessageEnded&, const MessageEnded&) = default;
};

// One whole WebSocket message, after defragmentation, unmasking and inflation. Control frames are not shown.
// The exchange is the one of the upgrade request (or extended CONNECT, RFC 8441); `part` is request for what the client
// sends.
struct WebSocketMessage {
    enum class Kind : std::uint8_t { text, binary };

    ExchangeNumber exchange = 0;
    Part part = Part::request;
    base::Time time;
    Kind kind = Kind::text;
    bool truncated = false;
    base::Bytes bytes;
};

// The bytes are no HTTP, or HTTP that cannot be followed any more; nothing further will come from this connection.
struct NotHttp {
    base::Time time;
    Loss reason = Loss::http_desync;

    friend bool operator==(const NotHttp&, const NotHttp&) = default;
};

using HttpEvent =
    std::variant<BodyBytes, RequestStarted, ResponseStarted, BodyGap, MessageEnded, WebSocketMessage, NotHttp>;

}  // namespace llmsnoop::model
