#pragma once
// Takes gzip or zstd off a file that comes in pieces. Bounded: what comes out does so in pieces of fixed size, whatever
// the ratio, and a zstd frame may ask for a window of 128 MB at most (what the zstd tool itself accepts). Sans-IO, not
// thread-safe.
#include <cstdint>
#include <memory>
#include <vector>

#include "agent/base/bytes.h"

struct ZSTD_DCtx_s;
struct z_stream_s;

namespace llmsnoop::capture {

class Unpacker {
 public:
    enum class Coding : std::uint8_t { none, gzip, zstd };
    static constexpr std::size_t kMagic = 4;  // bytes that tell the coding

    static Coding coding_of(base::Bytes magic);

    explicit Unpacker(Coding coding);
    ~Unpacker();
    Unpacker(Unpacker&&) noexcept;
    Unpacker& operator=(Unpacker&&) noexcept;

    // The next piece of what is packed in `*in`, from whose front it takes; valid until the next call and as long as
    // the input is. Empty: more input is needed. Members and frames may follow each other, as `cat` makes them.
    base::Bytes unpack(base::Bytes* in);

    bool broken() const { return broken_; }         // from here on the input makes no sense; `unpack` gives nothing
    bool in_the_middle() const { return middle_; }  // of a member or frame: the file must not end here

 private:
    struct EndInflate {
        void operator()(z_stream_s* stream) const;
    };
    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
    };

    std::size_t unpack_gzip(base::Bytes* in);
    std::size_t unpack_zstd(base::Bytes* in);

    std::vector<std::uint8_t> out_;
    std::unique_ptr<z_stream_s, EndInflate> gzip_;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;
    bool full_ = false;  // the last piece from zstd was as large as pieces are
    bool broken_ = false;
    bool middle_ = false;
};

}  // namespace llmsnoop::capture
