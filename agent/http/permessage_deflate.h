#pragma once
// The permessage-deflate extension of WebSocket (RFC 7692): what was negotiated, and one direction's decompressor.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"

namespace llmsnoop::http {

enum class ContextTakeover : std::uint8_t { yes, no };

// `max_window_bits` need not be known: a decompressor with the largest window reads them all.
struct DeflateTerms {
    bool agreed = false;
    ContextTakeover client = ContextTakeover::yes;
    ContextTakeover server = ContextTakeover::yes;
};

// `extensions`: the value of Sec-WebSocket-Extensions in the response.
DeflateTerms read_deflate_terms(std::string_view extensions);

// Decompresses messages one after the other. Memory is zlib's window and state (some 40 KB, from the first message on);
// the output is bounded by the caller. After `broken` or `full`, or a gap, `lose_context` makes it ready for a message
// that does not refer to earlier ones; one that does is then recognised as broken, never decompressed wrongly.
class Inflater {
 public:
    explicit Inflater(ContextTakeover takeover);
    ~Inflater();
    Inflater(Inflater&&) noexcept;
    Inflater& operator=(Inflater&&) noexcept;

    enum class Status : std::uint8_t {
        good,
        full,    // there is more than `out` may hold
        broken,  // not DEFLATE, or it refers to bytes that were not seen
    };

    // Appends to `out`, which never grows beyond `limit`.
    Status feed(base::Bytes compressed, std::string& out, std::size_t limit);
    Status end_message(std::string& out, std::size_t limit);

    void lose_context();

 private:
    struct Stream;

    bool go_on_after_last_block();

    ContextTakeover takeover_;
    std::unique_ptr<Stream> stream_;
    unsigned last_blocks_ = 0;  // in the current message
};

}  // namespace llmsnoop::http
