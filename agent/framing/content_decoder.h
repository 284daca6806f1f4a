#pragma once
// Undoes the content codings of a body (RFC 9110 section 8.4), incrementally: gzip, deflate (with and without the zlib wrapper),
// br, zstd, and lists of them. Output comes as soon as the input allows (streams flush after every event), and is bounded in
// size and in ratio to the input. After an error it delivers nothing more and says why.
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
    std::uint64_t output_bytes = 256U << 20;  // of one body
    std::uint64_t ratio = 2000;               // output / input, once the output exceeds ratio_floor
    std::uint64_t ratio_floor = 16U << 20;
    unsigned codings = 4;                     // stacked
};

using BytesOut = base::FunctionRef<void(base::Bytes)>;

class ContentDecoder {
   public:
    // `codings`: the value of Content-Encoding; empty or "identity" passes bytes through without copying.
    ContentDecoder(std::string_view codings, const DecoderLimits& limits = {});
    ~ContentDecoder();
    ContentDecoder(ContentDecoder&&) noexcept;
    ContentDecoder& operator=(ContentDecoder&&) noexcept;

    void feed(base::Bytes bytes, BytesOut out);
    void end(BytesOut out);

    // Bytes are missing: a compressed stream cannot go on.
    void gap();

    // Why decoding stopped early, if it did.
    std::optional<model::Loss> failed() const;

   private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace llmsnoop::framing
