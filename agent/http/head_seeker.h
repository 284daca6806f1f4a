#pragma once
// Finds the next message head where the place in the stream is unknown: after a gap, or on a connection joined late.
//
// A head is a start line, at least one well-formed header field and an empty line. It may begin in the middle of a
// line, because a body need not end with a line end. Works line by line in linear time and bounded memory; what it
// finds depends on the bytes alone, not on how they are cut.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/http/limits.h"
#include "agent/http/start_line.h"

namespace llmsnoop::http {

class HeadSeeker {
 public:
    enum class Status : std::uint8_t {
        more,   // everything was used
        found,  // `text()` is a whole head; the bytes behind it were not used
    };
    struct Step {
        Status status = Status::more;
        std::size_t used = 0;
    };

    explicit HeadSeeker(std::size_t limit) : limit_(limit) {}

    Step feed(base::Bytes bytes, base::Time time, Expected expected);

    const std::string& text() const { return head_; }  // after `found`, until the next call
    base::Time started() const { return started_; }    // when the head's first line began

    bool in_head() const { return !head_.empty(); }  // what came last may be a part of a head
    bool take_passed_over() {
        return std::exchange(passed_over_, false);
    }  // since last asked: lines that belong to no head

    void clear();  // bytes are missing here, or the search starts anew

 private:
    Status end_line(std::string_view line, Expected expected);
    void forget_what_is_too_long();

    std::size_t limit_;
    std::string line_;  // the part of the current line that earlier calls brought
    std::string head_;  // a start line and the fields behind it, as far as they are complete
    std::size_t fields_ = 0;
    bool passed_over_ = false;
    base::Time line_started_;
    base::Time started_;
};

}  // namespace llmsnoop::http
