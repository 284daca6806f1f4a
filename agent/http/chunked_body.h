#pragma once
// The chunked transfer coding (RFC 9112 section 7.1), read without copying.
//
// Chunk extensions and trailer fields are passed over. A gap within the data of one chunk is survived, because its size
// is known; where a gap swallows a chunk's size, reading goes on only if a chunk begins right behind the gap, which is
// how a lost read or segment of a stream usually ends.
#include <cstdint>
#include <string>

#include "agent/http/body_step.h"

namespace llmsnoop::http {

class ChunkedBody {
 public:
    // At most one run of data for each call.
    BodyStep next(base::Bytes bytes);

    // May a chunk be looked for behind a gap? Not when another message may have begun in it.
    enum class AfterGap : std::uint8_t { expect_chunk, give_up };
    BodySkip skip(std::uint64_t length, AfterGap after);

    // A chunk has begun, or may have, that is not all here.
    bool lacks_bytes() const { return left_ > 0 || state_ == State::after_gap; }

    // After `lost`: bytes used by earlier calls that belong to whatever follows.
    const std::string& unclaimed() const { return line_; }

 private:
    enum class State : std::uint8_t { size, extension, data, data_end, data_end_lf, trailer, after_gap };

    BodyStep read(base::Bytes bytes);
    bool read_size(base::Bytes bytes, std::size_t& used);
    void size_is_complete();
    BodyState read_after_gap(base::Bytes bytes, std::size_t& used);
    BodyState read_trailer(base::Bytes bytes, std::size_t& used);

    State state_ = State::size;
    unsigned digits_ = 0;          // of the chunk size, so far
    std::uint64_t left_ = 0;       // the chunk size so far, then the data still to come
    std::size_t line_length_ = 0;  // of an extension, or of the current trailer line
    std::size_t trailer_bytes_ = 0;
    std::string line_;  // only after a gap: the supposed chunk header
};

}  // namespace llmsnoop::http
