#pragma once
// A decoded HTTP/2 header list as a message head (RFC 9113 section 8.3).
#include <cstdint>
#include <memory>

#include "agent/http/hpack_decoder.h"
#include "agent/http/limits.h"
#include "agent/model/http_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::http {

struct Http2Head {
    // By the pseudo-header fields, which come first and are mostly in HPACK's static table: even of a block that is
    // decoded in part they are usually known.
    enum class Kind : std::uint8_t { request, response, neither };

    Kind kind = Kind::neither;                 // `neither`: trailers, or nothing that could be decoded
    std::shared_ptr<model::MessageHead> head;  // `lost` if the list is not whole
    bool asks_websocket = false;               // an extended CONNECT (RFC 8441)
};

// Fields beyond the limits are left out, and counted once for the list.
Http2Head read_http2_head(HpackDecoder& decoder, base::Bytes block, const Limits& limits, model::LossCounters& losses);

// For a block that is not there.
Http2Head lost_http2_head();

}  // namespace llmsnoop::http
