#pragma once
// gzip (RFC 1952, any number of members) and deflate (RFC 9110 section 8.4.1.2), by zlib.
//
// Memory: zlib's inflate state, about 40 KB.
#include <zlib.h>

#include <cstddef>

#include "agent/base/bytes.h"
#include "agent/framing/codec.h"
#include "agent/framing/magic_match.h"

namespace llmsnoop::framing {

// One deflate stream, in the wrapper that `window_bits` stands for in zlib.
class Inflater {
 public:
    static constexpr int kRaw = -15;
    static constexpr int kZlib = 15;
    static constexpr int kGzip = 15 + 16;
    static constexpr std::size_t kStateBytes = 40U << 10;

    explicit Inflater(int window_bits);
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    CodecStep step(base::Bytes in, CodecOut out);
    void restart(int window_bits);

 private:
    z_stream stream_{};
    bool ready_ = false;
};

class GzipCodec {
 public:
    CodecStep step(base::Bytes in, CodecOut out);
    bool may_end() const { return between_; }
    static std::size_t held_bytes() { return Inflater::kStateBytes; }

 private:
    Inflater inflater_{Inflater::kGzip};
    bool between_ = false;  // behind a whole member
    MagicMatch<3> next_;    // what then may begin another
};

// "Note: Some non-conformant implementations send the 'deflate' compressed data without the zlib wrapper." The first
// two bytes tell which it is.
class DeflateCodec {
 public:
    CodecStep step(base::Bytes in, CodecOut out);
    bool may_end() const { return done_; }
    static std::size_t held_bytes() { return Inflater::kStateBytes; }

    // RFC 1950 section 2.2: method 8, a window of at most 32 KB, a check value, and no preset dictionary.
    static bool is_zlib_header(base::Bytes first_two);

 private:
    Inflater inflater_{Inflater::kZlib};
    bool begun_ = false;
    bool done_ = false;
    MagicMatch<2> head_;
};

}  // namespace llmsnoop::framing
