#pragma once
// Server-sent events, as WHATWG HTML section 9.2.6 interprets them: CR, LF and CRLF end lines, comments are passed
// over, the values of several `data` lines are joined by LF, an event without `data` is not dispatched. `id` and
// `retry` mean nothing here.
//
// Two differences at the end of the body, where the specification discards an event that no blank line ends: if the
// body is whole the event is delivered (several providers leave the last blank line out), otherwise it is delivered as
// truncated.
//
// An event whose only `data` line lies in one piece of input is delivered without copying. Memory: at most one
// unfinished line and the data of one event, each no longer than the limit.
#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/framing/byte_order_mark.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class SseFramer {
 public:
    explicit SseFramer(std::size_t event_bytes) : limit_(event_bytes) {}
    SseFramer(const SseFramer&) = delete;  // name_ may point into kept_name_
    SseFramer& operator=(const SseFramer&) = delete;

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    std::size_t held_bytes() const { return line_.capacity() + kept_data_.capacity(); }

 private:
    void take_line(base::Bytes line, Outlet& out);
    void take_field(base::Bytes line);
    void add_data(base::Bytes value);
    void dispatch(Outlet& out);
    void skip_event(model::Loss why, Outlet& out);
    void forget_event();
    void hold_line(base::Bytes part, Outlet& out);
    void finish_line(base::Bytes rest, Outlet& out);
    void keep_event();

    std::size_t limit_;
    ByteOrderMark mark_;
    bool after_cr_ = false;  // an LF that comes next belongs to the CR before it

    // The unfinished line at the end of the last piece.
    bool in_line_ = false;
    bool line_counts_ = true;  // false: a comment, or part of an event that is skipped; `line_` stays empty
    PaddedBuffer line_;

    // The event so far. Views point into the piece that is being fed or into line_ and do not outlive the call
    // (keep_event).
    bool skipping_ = false;  // until the next blank line
    bool has_data_ = false;
    bool data_is_kept_ = false;  // in kept_data_, otherwise in data_view_
    base::Bytes data_view_;
    PaddedBuffer kept_data_;
    std::string_view name_;
    std::string kept_name_;
    std::size_t event_size_ = 0;  // bytes of its lines, comments excepted: what the limit is about
};

}  // namespace llmsnoop::framing
