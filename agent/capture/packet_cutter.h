#pragma once
// Cuts a file that arrives in arbitrary pieces into units of known size (a packet, a tape block) that lie in one piece.
//
// A unit that lies within one piece is a view into it; one that straddles pieces is put together in a buffer, which
// grows only as bytes arrive, never by what a length field promises. Not thread-safe.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/base/bytes.h"

namespace llmsnoop::capture {

class Cutter {
 public:
    // The next piece; the one before must be used up. It is borrowed until `take` or `skip` has answered that it needs
    // more.
    void supply(base::Bytes piece) { piece_ = piece; }

    // Exactly `size` bytes in a row, valid until the next call; nothing if they are not all there yet. Then what is
    // there has been kept, and the caller asks for the same size again after the next `supply`.
    std::optional<base::Bytes> take(std::size_t size);

    // Drops the next `*size` bytes; false if they are not all there yet, with `*size` lowered to what remains to be
    // dropped.
    bool skip(std::uint64_t* size);

    // Bytes kept of a unit that is not complete.
    std::size_t kept() const { return taken_ ? 0 : kept_.size(); }

 private:
    base::Bytes piece_;
    std::vector<std::uint8_t> kept_;
    bool taken_ = false;  // kept_ holds a unit that was handed out and is now over
};

}  // namespace llmsnoop::capture
