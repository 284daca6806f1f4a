#pragma once
// A file, pipe or standard input that is read from its beginning to its end, with gzip or zstd taken off.
//
// Not thread-safe. Memory: two buffers of fixed size.
#include <optional>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/capture/packet_unpacker.h"

namespace llmsnoop::capture {

class Input {
 public:
    enum class State : std::uint8_t {
        data,
        nothing,  // not now: the writer of a pipe has not written more
        end,
        cut_short,  // the end, in the middle of compressed data or where it does not decode
    };

    struct Piece {
        State state = State::nothing;
        base::Bytes bytes;  // valid until the next read
    };

    // "-" is standard input.
    static base::Result<Input> open(const std::string& path);

    // Waits up to `wait` for a pipe; a regular file is always ready.
    base::Result<Piece> read(base::Duration wait);

    bool regular() const { return regular_; }

 private:
    Input(base::Fd fd, bool regular, std::string name);
    base::Result<State> fill(base::Duration wait);

    base::Fd fd_;
    bool regular_;
    std::string name_;
    std::optional<Unpacker> unpacker_;  // absent until the first bytes are there
    std::vector<std::uint8_t> raw_;
    std::size_t raw_size_ = 0;
    base::Bytes raw_left_;
    bool ended_ = false;
};

}  // namespace llmsnoop::capture
