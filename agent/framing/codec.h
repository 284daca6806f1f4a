#pragma once
// What the codecs of this stage have in common. A codec decodes one content coding, a step at a time:
//
//   CodecStep step(base::Bytes in, CodecOut out)   decodes what it can. Either all of `in` is consumed, or `out` is
//   full, or the
//                                                  state says that decoding is over. `out` is not empty.
//   bool may_end() const                           the coded stream may end here
//   std::size_t held_bytes() const                 its memory at present
//
// Codecs are neither copied nor moved, allocate on construction and as their windows need, and never throw otherwise.
#include <cstddef>
#include <cstdint>
#include <span>

namespace llmsnoop::framing {

using CodecOut = std::span<std::uint8_t>;

struct CodecStep {
    enum class State : std::uint8_t {
        more,       // go on
        done,       // the stream is over; anything behind it is no part of it
        broken,     // not a stream of this coding
        too_large,  // asks for more memory than the codec's limit
    };

    State state = State::more;
    std::size_t consumed = 0;
    std::size_t produced = 0;
};

}  // namespace llmsnoop::framing
