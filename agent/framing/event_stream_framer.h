#pragma once
// Messages of application/vnd.amazon.eventstream. Both checksums are verified; a message whose own checksum is wrong is
// passed over by its length, which the prelude's checksum vouches for. Where a prelude is wrong, and after a gap, the
// next position whose prelude is right is searched for, in one pass.
//
// A message that lies in one piece of input is delivered without copying. Memory: one unfinished message, up to the
// limit; nothing is reserved on the word of a length.
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"
#include "agent/framing/event_stream_message.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class EventStreamFramer {
 public:
    explicit EventStreamFramer(std::size_t message_bytes) : limit_(message_bytes) {}

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    std::size_t held_bytes() const { return held_.capacity(); }

 private:
    enum class State : std::uint8_t { message, too_large, lost };

    // Each takes what it can from the front of `bytes` and returns the rest.
    base::Bytes take(base::Bytes bytes, Outlet& out);
    base::Bytes take_more(base::Bytes bytes, Outlet& out);
    base::Bytes search(base::Bytes bytes);

    // False if there is no message to be read at a position where one should begin.
    bool begin(base::Bytes prelude, Outlet& out);
    void deliver(base::Bytes message, Outlet& out);

    std::size_t limit_;
    State state_ = State::message;
    EventStreamPrelude prelude_;  // of the message in held_, once that holds as much
    PaddedBuffer held_;           // the unfinished message
    std::uint64_t skip_ = 0;      // too_large: bytes still to be passed over

    // lost: the last bytes, which may be the beginning of a prelude.
    std::array<std::uint8_t, EventStreamPrelude::kSize - 1> tail_{};
    std::size_t tail_size_ = 0;
};

}  // namespace llmsnoop::framing
