#pragma once
// A JSON array that grows while it is sent: every element is delivered when it is complete. A body that does not begin
// with '[' is delivered as one document at its end.
//
// After a gap it is unknown whether the next byte lies within a string and how deep it is nested. JSON strings hold no
// raw line breaks (RFC 8259 section 7), and what streams such arrays breaks the line between elements but indents what
// is nested. So the next element is one whose '{' stands at the beginning of a line, or behind a ',' that does. An
// array on a single line shows nothing more after a gap.
//
// An element that lies in one piece of input is delivered without copying. Memory: one unfinished element, or the body.
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"
#include "agent/framing/body_framer.h"
#include "agent/framing/byte_order_mark.h"
#include "agent/framing/json_nesting.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class JsonArrayFramer {
 public:
    JsonArrayFramer(std::size_t element_bytes, std::size_t body_bytes) : limit_(element_bytes), body_(body_bytes) {}

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    std::size_t held_bytes() const { return element_.capacity() + body_.held_bytes(); }

 private:
    enum class State : std::uint8_t {
        start,     // before the '['
        between,   // before an element
        nested,    // in an element that is an object, array or string
        bare,      // in an element that is a number or a word
        finished,  // behind the ']'
        body,      // it is no array
        in_line,   // after a gap: looking for a line break
        at_line,   // after a gap: at the beginning of a line
        at_comma,  // after a gap: behind a ',' at the beginning of a line
    };

    // Each takes one step in its state and returns how many bytes it has used up.
    std::size_t step(base::Bytes bytes, Outlet& out);
    std::size_t start(base::Bytes bytes, Outlet& out);
    std::size_t between(base::Bytes bytes);
    std::size_t element(base::Bytes bytes, Outlet& out);
    std::size_t resync(base::Bytes bytes);

    std::size_t limit_;
    State state_ = State::start;
    ByteOrderMark mark_;
    JsonNesting nesting_;
    bool skipping_ = false;  // the current element is too large
    PaddedBuffer element_;   // what earlier pieces held of it
    BodyFramer body_;
};

}  // namespace llmsnoop::framing
