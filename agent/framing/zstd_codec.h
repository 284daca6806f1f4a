#pragma once
// zstd (RFC 8878, any number of frames, skippable ones included), by libzstd.
//
// Memory: the window that a frame declares, at most 8 MB, and less than 1 MB besides. RFC 9659: a window for this
// content coding is no larger than that, and decoders refuse others.
#include <zstd.h>

#include <memory>

#include "agent/base/bytes.h"
#include "agent/framing/codec.h"
#include "agent/framing/magic_match.h"

namespace llmsnoop::framing {

class ZstdCodec {
 public:
    ZstdCodec();

    CodecStep step(base::Bytes in, CodecOut out);
    bool may_end() const { return between_ && frames_; }
    std::size_t held_bytes() const { return ZSTD_sizeof_DCtx(context_.get()); }

    // Whether these first bytes, at most four, may be those of a frame.
    static bool may_begin_frame(base::Bytes bytes);

 private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };

    CodecStep decode(base::Bytes in, CodecOut out);

    std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
    bool between_ = true;  // before a frame
    bool frames_ = false;  // a whole one has been seen
    MagicMatch<4> next_;
};

}  // namespace llmsnoop::framing
