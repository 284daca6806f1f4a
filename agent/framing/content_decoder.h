#pragma once
// Undoes the content codings of a body (RFC 9110 section 8.4), incrementally: gzip, deflate (with and without the zlib
// wrapper), br, zstd, and lists of them. Output comes as soon as the input allows (streams flush after every event),
// and is bounded in size and in ratio to the input. After an error it delivers nothing more and says why.
//
// Several gzip members and zstd frames are one body; what follows the end of a complete stream is ignored. A body whose
// first bytes are not of the coding it claims, but text, is passed through as it is: recording proxies and some servers
// leave the header on bodies that they have decoded.
//
// Memory, for each coding: an output buffer of 32 KB and the codec's state: 40 KB for gzip and deflate, up to 26 MB for
// br (a window of at most 16 MB, once more in part while it grows), up to 9 MB for zstd (a window of at most 8 MB, RFC
// 9659). The output itself is never collected here.
//
// Not thread-safe; one object per body.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/function_ref.h"
#include "agent/model/loss.h"

namespace llmsnoop::framing {

struct DecoderLimits {
    std::uint64_t output_bytes = 256U << 20;  // of one body, delivered in full before decoding stops
    std::uint64_t ordinary_ratio = 0;         // output / input up to which a body may be longer than that
    std::uint64_t ratio = 2000;               // output / input, once the output exceeds ratio_floor
    std::uint64_t ratio_floor = 16U << 20;
    unsigned codings = 4;  // stacked
};

// The bytes are valid only during the call.
using BytesOut = base::FunctionRef<void(base::Bytes)>;

class ContentDecoder {
 public:
    // `codings`: the value of Content-Encoding; empty or "identity" passes bytes through without copying.
    explicit ContentDecoder(std::string_view codings, const DecoderLimits& limits = {});
    ~ContentDecoder();
    ContentDecoder(ContentDecoder&&) noexcept;
    ContentDecoder& operator=(ContentDecoder&&) noexcept;

    void feed(base::Bytes bytes, BytesOut out);

    // The body has ended. A compressed stream that has not is a failure (content_coding_broken), unless the body is not
    // `whole` either.
    void end(bool whole, BytesOut out);

    // Bytes are missing: a compressed stream cannot go on, and nothing more is delivered. Bodies that are passed
    // through are not affected. A gap by itself is not reported by failed(): the caller knows of it.
    void gap();

    // Nothing more is wanted: gives the memory back. Not from within `out`.
    void give_up();

    // What it keeps in memory at present.
    std::size_t held_bytes() const;

    // Why decoding stopped early, if it did: content_coding_unknown (from the start), content_coding_broken or
    // content_coding_limit. The caller counts it.
    std::optional<model::Loss> failed() const;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace llmsnoop::framing
