#pragma once
// How one answer is to be given, as its request asks in the query string:
// /v1/chat/completions?chunks=200&encoding=gzip.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "tests/support/net/compression.h"
#include "tests/support/net/message_deflate.h"

namespace llmsnoop::support {

enum class Framing : std::uint8_t {
    by_kind,         // a stream is chunked, a document has a length
    chunked,         // RFC 9112, section 7.1
    content_length,  // section 6.2
    until_close,     // section 6.3, rule 8: the body ends with the connection
};

struct AnswerOptions {
    unsigned chunks = 24;                 // chunks=N: text deltas of a stream, words of a document
    std::size_t chunk_bytes = 0;          // chunk_bytes=N: size of each delta's text; 0: one word
    unsigned gap_us = 0;                  // gap_us=N: pause before each piece
    unsigned end_us = 0;                  // end_us=N: pause before the last chunk of a stream, which is empty
    Coding coding = Coding::identity;     // encoding=gzip|deflate|deflate-raw|br|zstd
    bool negotiate = false;               // encoding=auto: whatever Accept-Encoding allows
    Framing framing = Framing::by_kind;   // chunked=0|1, close=1
    std::optional<unsigned> die_after;    // die=N: cut the connection after N pieces
    std::optional<unsigned> error_after;  // error_after=N: an error inside the stream after N deltas
    std::optional<int> error_status;      // error=STATUS: answer with this error
    std::optional<std::uint64_t> input;   // input=N, output=N, cached=N, cache_write=N, reasoning=N: token counts
    std::optional<std::uint64_t> output;
    std::optional<std::uint64_t> cached;
    std::optional<std::uint64_t> cache_write;
    std::optional<std::uint64_t> reasoning;
    std::optional<unsigned> tool_calls;   // tools=N: calls made; by default 1 where the request offers tools
    std::optional<std::uint64_t> seed;    // seed=N: the answer's text and numbers; by default a running number
    std::size_t write_bytes = 0;          // write=N: cut the bytes sent into writes of N, whatever they hold
    std::size_t padding = 0;              // pad=N: HTTP/2: padding of each DATA frame
    bool goaway = false;                  // goaway=1: HTTP/2: no streams after this one
    Deflate deflate = Deflate::takeover;  // deflate=none|takeover|no-takeover: WebSocket: what the server agrees to
    std::size_t fragment = 0;             // fragment=N: WebSocket: messages in frames of N bytes
};

struct Target {
    std::string_view path;  // without the query
    AnswerOptions options;
};

// `target` is a request line's target and must outlive the result. An unknown option or a bad value is an error: a test
// that misspells one must not pass. Clients that cannot be told a query are given a base URL with the options in its
// path: /with/tools=0&chunks=5/v1/messages.
base::Result<Target> parse_target(std::string_view target);

}  // namespace llmsnoop::support
