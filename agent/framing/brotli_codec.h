#pragma once
// br (RFC 7932), by libbrotlidec.
//
// Memory: the window that the stream declares, at most 16 MB (24 MB for a moment while it grows), and up to about 2 MB
// of code tables. The large windows of the "large window" extension are refused.
#include <brotli/decode.h>

#include <memory>

#include "agent/base/bytes.h"
#include "agent/framing/codec.h"

namespace llmsnoop::framing {

class BrotliCodec {
 public:
    CodecStep step(base::Bytes in, CodecOut out);
    bool may_end() const { return done_; }

 private:
    struct Destroy {
        void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
    };

    std::unique_ptr<BrotliDecoderState, Destroy> state_{BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)};
    bool done_ = false;
};

}  // namespace llmsnoop::framing
