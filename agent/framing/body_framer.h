#pragma once
// A body as one document, delivered when the body ends. After a gap, or beyond the limit, only the beginning is kept.
//
// Memory: the body, up to the limit (twice that while the buffer grows).
#include <cstddef>

#include "agent/base/bytes.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class BodyFramer {
 public:
    explicit BodyFramer(std::size_t body_bytes) : limit_(body_bytes) {}

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    base::Bytes kept() const { return body_.view(); }
    base::Time last() const { return last_; }
    bool is_cut() const { return cut_; }
    std::size_t held_bytes() const { return body_.capacity(); }

 private:
    std::size_t limit_;
    PaddedBuffer body_;
    base::Time last_;  // arrival of the last byte that was kept
    bool cut_ = false;
};

}  // namespace llmsnoop::framing
