#pragma once
// Which request does a response answer? On an HTTP/1 connection responses come in the order of the requests (RFC 9112
// section 9.3), so it is the oldest one waiting, as long as no message was missed. This class keeps that order honest
// when some were: a response is never paired with a request that it may not belong to.
//
// Clients that do not pipeline (nearly all) send a request only after the response before it. That is presumed where a
// decision hangs on it, until two requests were seen waiting at once.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "agent/model/http_event.h"

namespace llmsnoop::http {

class Pairing {
 public:
    enum class Method : std::uint8_t { ordinary, head, connect };
    struct Request {
        model::ExchangeNumber exchange = 0;
        Method method = Method::ordinary;
    };

    // What the response direction was doing when a request began.
    enum class Responses : std::uint8_t {
        idle,    // at the end of a message, in step
        busy,    // in a message
        astray,  // looking for the next message
    };

    // A request was sent. If it shows that another one must have been answered unseen, returns that.
    std::optional<Request> add(const Request& request, Responses responses);

    // Some requests, or none, were missed after those that wait. `earlier`: in a gap of which something was read since,
    // or before the connection was joined, so that they are presumed answered.
    enum class Missed : std::uint8_t { just_now, earlier };
    void requests_missed(Missed when = Missed::just_now);

    // Some responses, or none, were missed; until the next one is found, bytes are passed over.
    void responses_missed() { responses_missed_ = true; }
    void response_bytes_passed_over() { passed_over_ = true; }
    // A gap in the response direction that was not within a response. Sources that keep their order notice it with the
    // bytes behind it: where requests were missed before those that wait, it is their responses that are missing.
    void gap_between_responses();

    enum class Answer : std::uint8_t {
        certain,   // the response belongs to `request`, which no longer waits
        likely,    // the same; but responses may have been missed since it was sent: its own, and this is that to one
                   // which is not yet known to have been missed
        in_doubt,  // it belongs to one of those that wait, or to one that was missed: take them all
        nobody,    // no request waits and none was missed: it must be about to come
    };
    Answer match(Request& request);

    // No longer waits for a response: the oldest one; nothing if there is none. After `in_doubt`, until there are none.
    std::optional<Request> take();

    bool waits(model::ExchangeNumber exchange) const;

    // Can there be a response to another request than the one being answered now?
    bool more_to_answer() const { return !queue_.empty() || missed_at_end_; }
    std::size_t waiting() const { return queue_.size(); }

 private:
    struct Entry {
        Request request;
        bool missed_before = false;  // requests may be missing between the previous entry and this one
        bool presumed = false;       // they would be, but for the presumption that nobody pipelines
        bool unanswered = false;     // presumed, and yet nothing that may be their responses came before this one
    };

    std::deque<Entry> queue_;
    bool missed_at_end_ = false;
    bool responses_missed_ = false;
    bool missed_unanswered_ = false;     // requests, and nothing of the response direction since
    bool answered_unseen_ = false;       // requests that are not known to be missed, since the last request
    bool missed_while_waiting_ = false;  // responses, since the last request
    bool passed_over_ = false;           // bytes of the response direction, since the last request
    bool overlapped_ = false;  // two requests were waiting at once: pipelining, or a response missed and not yet known
    bool pipelined_ = false;   // and the first of them was answered: pipelining for certain
};

}  // namespace llmsnoop::http
