#pragma once
// br (RFC 7932), by libbrotlidec.
//
// Memory: the window that the stream declares, at most 16 MB (24 MB for a moment while it grows), and up to about 2 MB
// of code tables. The large windows of the "large window" extension are refused.
#include <brotli/decode.h>

#include <cstddef>
#include <memory>

#include "agent/base/bytes.h"
#include "agent/framing/codec.h"

namespace llmsnoop::framing {

class BrotliCodec {
 public:
    BrotliCodec() = default;
    BrotliCodec(const BrotliCodec&) = delete;  // the library allocates through a pointer to this object
    BrotliCodec& operator=(const BrotliCodec&) = delete;

    CodecStep step(base::Bytes in, CodecOut out);
    bool may_end() const { return done_; }
    std::size_t held_bytes() const { return held_; }

 private:
    struct Destroy {
        void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
    };

    static void* allocate(void* codec, std::size_t size);
    static void release(void* codec, void* memory);

    std::size_t held_ = 0;
    std::unique_ptr<BrotliDecoderState, Destroy> state_{BrotliDecoderCreateInstance(allocate, release, this)};
    bool done_ = false;
};

}  // namespace llmsnoop::framing
