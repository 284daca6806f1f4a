#pragma once
// The HTTP of one connection, both directions: recognises HTTP/1.1, HTTP/2 (prior knowledge, ALPN or h2c upgrade) and
// WebSocket from the bytes, and reports them in one vocabulary (agent/model/http_event.h).
//
// RFC 9110 (semantics), 9112 (HTTP/1.1), 9113 (HTTP/2), 7541 (HPACK), 6455 and 7692 (WebSocket, permessage-deflate),
// 8441.
//
// An observer's parser: it must follow what two real peers said to each other, so it is tolerant of everything that
// real peers tolerate, never trusts a length with memory, and finds its way again after a gap (skipping the missing
// part of a body whose length is known, or looking for the next message head). It may join a connection that is already
// in use.
//
// Sans-IO, not thread-safe, one object per connection. Views in events are valid only during the callback.
#include <cstdint>
#include <memory>
#include <optional>

#include "agent/http/http_out.h"
#include "agent/http/limits.h"
#include "agent/model/capture_event.h"
#include "agent/model/http_event.h"
#include "agent/model/loss.h"
#include "agent/model/stream_item.h"

namespace llmsnoop::http {

class ConnectionParser {
 public:
    // `from_start`: the first byte fed in each direction is the first byte of the connection.
    ConnectionParser(bool from_start, model::LossCounters& losses, const Limits& limits = {});
    ~ConnectionParser();
    ConnectionParser(ConnectionParser&&) noexcept;
    ConnectionParser& operator=(ConnectionParser&&) noexcept;

    void feed(model::Direction direction, const model::StreamItem& item, HttpOut out);

    // The sender of that direction will send no more (FIN, close_notify).
    void end(model::Direction direction, base::Time time, HttpOut out);

    // Nothing more will come in either direction. Every exchange still open is ended.
    void close(model::ConnectionClosed::How how, base::Time time, HttpOut out);

    model::Protocol protocol() const;

    // The direction in which requests travel, once known.
    std::optional<model::Direction> request_direction() const;

    // Where the body of a message in progress ends, as an absolute stream offset, if its framing says so beforehand
    // (HTTP/1.1 Content-Length). Lets the caller mute the connection up to there when the body is of no interest.
    std::optional<std::uint64_t> body_end(model::ExchangeNumber exchange, model::Part part) const;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace llmsnoop::http
