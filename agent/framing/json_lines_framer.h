#pragma once
// JSON text, one document a line (NDJSON, JSON Lines, application/stream+json). Lines end with LF; white space around a
// document, CR included, is taken off, and lines of nothing else are passed over. The last line needs no LF.
//
// A line that lies in one piece of input is delivered without copying. Memory: one unfinished line, no longer than the
// limit.
#include <cstddef>

#include "agent/base/bytes.h"
#include "agent/framing/byte_order_mark.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class JsonLinesFramer {
 public:
    explicit JsonLinesFramer(std::size_t line_bytes) : limit_(line_bytes) {}

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    std::size_t held_bytes() const { return line_.capacity(); }

 private:
    void hold(base::Bytes part, Outlet& out);
    void skip_line(model::Loss why, Outlet& out);

    std::size_t limit_;
    ByteOrderMark mark_;
    bool skipping_ = false;  // until the next LF
    PaddedBuffer line_;      // the unfinished line at the end of the last piece
};

}  // namespace llmsnoop::framing
