#include "agent/http/http1_connection.h"

#include <utility>

namespace llmsnoop::http {

using How = model::MessageEnded::How;
using model::Direction;
using model::Part;

Http1Connection::Http1Connection(Start start, model::ExchangeNumber first, model::LossCounters& losses,
                                 const Limits& limits)
    : start_(start), losses_(losses), limits_(limits), sides_{Side(limits), Side(limits)}, next_exchange_(first) {
    if (start == Start::joined_late) {
        for (Side& one : sides_)
            one.state = Side::State::seeking;
    }
}

Direction Http1Connection::response_direction() const {
    return *request_direction_ == Direction::sent ? Direction::received : Direction::sent;
}

Part Http1Connection::part_of(Direction direction) const {
    return direction == *request_direction_ ? Part::request : Part::response;
}

Expected Http1Connection::expected(Direction direction) const {
    if (!request_direction_) return Expected::either;
    return direction == *request_direction_ ? Expected::request : Expected::response;
}

std::size_t Http1Connection::feed(Direction direction, const model::StreamBytes& item, HttpOut out) {
    Side& mine = side(direction);
    base::Bytes rest = item.bytes;
    mine.position = item.offset;
    const Direction other = direction == Direction::sent ? Direction::received : Direction::sent;
    const bool other_waited = waiting(other);
    while (!rest.empty() && !switched_ && (!other_waited || waiting(other))) {
        switch (mine.state) {
            case Side::State::body:
                feed_body(direction, rest, item.time, out);
                break;
            case Side::State::head:
                feed_head(direction, rest, item.time, out);
                break;
            case Side::State::seeking:
                feed_seeking(direction, rest, item.time, out);
                break;
            case Side::State::waiting:
                return item.bytes.size() - rest.size();
            case Side::State::ended:
                rest = {};
                break;
        }
    }
    return item.bytes.size() - rest.size();
}

void Http1Connection::feed_body(Direction direction, base::Bytes& bytes, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    const BodyStep step = mine.body.next(bytes);
    bytes = bytes.subspan(step.used);
    mine.position += step.used;
    emit_body(out, mine.exchange, part_of(direction), time, step.data);
    if (step.state == BodyState::ended) {
        end_message(direction, time, How::as_framed, out);
    } else if (step.state == BodyState::lost) {
        if (!mine.gap_in_body) losses_.add(model::Loss::http_desync);
        const std::string unclaimed(mine.body.unclaimed());
        go_astray(direction, time, out, mine.gap_in_body ? Pairing::Missed::earlier : Pairing::Missed::just_now);
        mine.seeker.feed(base::as_bytes(unclaimed), time, expected(direction));
    }
}

void Http1Connection::feed_head(Direction direction, base::Bytes& bytes, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    const HeadCollector::Step step = mine.collector.feed(bytes, time, expected(direction));
    bytes = bytes.subspan(step.used);
    mine.position += step.used;
    switch (step.status) {
        case HeadCollector::Status::more:
            break;
        case HeadCollector::Status::complete:
            head_complete(direction, mine.collector.text(), mine.collector.started(), time, out);
            if (!mine.holds_head) mine.collector.clear();
            break;
        case HeadCollector::Status::not_a_head:
            not_a_head(direction, time, out);
            break;
        case HeadCollector::Status::too_large:
            losses_.add(model::Loss::http_head_limit);
            go_astray(direction, time, out);
            break;
    }
}

// What was gathered, or what follows it, begins no message.
void Http1Connection::not_a_head(Direction direction, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    if (recognised()) losses_.add(model::Loss::http_desync);
    const std::string gathered(mine.collector.text());
    go_astray(direction, time, out);
    if (switched_) {
        switched_->unread = gathered;
        return;
    }
    mine.seeker.feed(base::as_bytes(gathered), time, expected(direction));
}

void Http1Connection::feed_seeking(Direction direction, base::Bytes& bytes, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    const HeadSeeker::Step step = mine.seeker.feed(bytes, time, expected(direction));
    bytes = bytes.subspan(step.used);
    mine.position += step.used;
    if (step.status == HeadSeeker::Status::found) {
        const std::string text = mine.seeker.text();
        const base::Time started = mine.seeker.started();
        mine.seeker.clear();
        head_complete(direction, text, started, time, out);
    } else if (recognised() && direction == response_direction() && mine.seeker.take_passed_over()) {
        pairing_.response_bytes_passed_over();
    }
}

void Http1Connection::gap(Direction direction, const model::Gap& gap, HttpOut out) {
    Side& mine = side(direction);
    mine.position = gap.offset;
    std::uint64_t left = gap.length;
    while (left > 0 && mine.state == Side::State::body) {
        // Behind the gap a chunk of this body is believed in only as long as nothing else can have begun in it.
        const bool alone =
            part_of(direction) == Part::response ? !pairing_.more_to_answer() : pairing_.waits(mine.exchange);
        const BodySkip skip =
            mine.body.skip(left, alone ? ChunkedBody::AfterGap::expect_chunk : ChunkedBody::AfterGap::give_up);
        left -= skip.used;
        mine.position += skip.used;
        // Of unknown extent: it may reach beyond the body, into the answer to another request that waits.
        if (part_of(direction) == Part::response && !alone && skip.data_missing && !skip.length)
            pairing_.gap_between_responses();
        if (skip.data_missing) {
            mine.gap_in_body = true;
            if (mine.exchange != kUnfollowed) {
                out(model::BodyGap{mine.exchange, part_of(direction), gap.time, skip.length, gap.reason});
            }
        }
        if (skip.state == BodyState::ended) end_message(direction, gap.time, How::as_framed, out);
        if (skip.state == BodyState::lost) go_astray(direction, gap.time, out);
    }
    if (left == 0) return;
    if (mine.state == Side::State::head || mine.state == Side::State::seeking) go_astray(direction, gap.time, out);
    if (recognised() && part_of(direction) == Part::response) pairing_.gap_between_responses();
    mine.position = gap.offset + gap.length;
}

void Http1Connection::begin_message(Side& mine, model::ExchangeNumber exchange,
                                    const std::optional<MessageBody>& body) {
    mine.exchange = exchange;
    mine.in_message = true;
    mine.gap_in_body = false;
    mine.body = body.value_or(MessageBody::none());
    mine.state = Side::State::body;
}

void Http1Connection::end_message(Direction direction, base::Time time, How how, HttpOut out) {
    Side& mine = side(direction);
    mine.in_message = false;
    mine.state = Side::State::head;
    if (mine.may_switch && how == How::as_framed && pairing_.waits(mine.exchange)) {
        held_request_ = HeldEnd{mine.exchange, time};
        mine.state = Side::State::waiting;
        return;
    }
    emit_end(out, mine.exchange, part_of(direction), time, how);
}

// The request did not switch the connection after all: what follows it is the next request.
void Http1Connection::end_held_request(HttpOut out) {
    if (!held_request_) return;
    emit_end(out, held_request_->exchange, Part::request, held_request_->time, How::as_framed);
    held_request_.reset();
    Side& requests = side(*request_direction_);
    if (requests.state == Side::State::waiting) requests.state = Side::State::head;
}

// The place in the stream is lost: gives up the message in progress and looks for the next head.
void Http1Connection::go_astray(Direction direction, base::Time time, HttpOut out, Pairing::Missed when) {
    Side& mine = side(direction);
    if (mine.in_message) end_message(direction, time, How::given_up, out);
    mine.state = Side::State::seeking;
    mine.collector.clear();
    mine.seeker.clear();
    if (!recognised()) return;
    note_missed(direction, when);
    retry_waiting_response(out);
}

void Http1Connection::note_missed(Direction direction, Pairing::Missed when) {
    if (part_of(direction) == Part::request) {
        pairing_.requests_missed(when);
    } else {
        pairing_.responses_missed();
        pairing_.response_bytes_passed_over();
    }
}

bool Http1Connection::waited_too_long(Direction direction, base::Time now) const {
    const Side& mine = side(direction);
    if (mine.state != Side::State::waiting || part_of(direction) == Part::request || now <= mine.waiting_since)
        return false;
    // Unsigned, because times come from outside and may lie any distance apart.
    const auto waited =
        static_cast<std::uint64_t>(base::unix_ns(now)) - static_cast<std::uint64_t>(base::unix_ns(mine.waiting_since));
    return waited > static_cast<std::uint64_t>(limits_.held_time.count());
}

bool Http1Connection::promising(Direction direction) const {
    const Side& mine = side(direction);
    return mine.state == Side::State::head ? mine.collector.start_line_seen() : mine.seeker.in_head();
}

void Http1Connection::stop_waiting(Direction direction, HttpOut out) {
    if (!waiting(direction)) return;
    if (part_of(direction) == Part::request) {
        end_held_request(out);
    } else {
        pairing_.requests_missed();
        retry_waiting_response(out);
    }
}

void Http1Connection::end(Direction direction, base::Time time, HttpOut out) {
    Side& mine = side(direction);
    const bool astray = mine.state == Side::State::seeking;
    if (mine.in_message) {
        const bool by_close = mine.body.framing() == MessageBody::Framing::until_close;
        end_message(direction, time, !by_close ? How::cut_off : mine.gap_in_body ? How::given_up : How::by_close, out);
    }
    if (recognised() && part_of(direction) == Part::response)
        end_unanswered(time, astray ? How::given_up : How::cut_off, out);
    mine.state = Side::State::ended;
}

void Http1Connection::close(model::ConnectionClosed::How how, base::Time time, HttpOut out) {
    if (!recognised()) return;
    end_held_request(out);
    using Closed = model::ConnectionClosed::How;
    for (const Direction direction : {*request_direction_, response_direction()}) {
        // Who lets go of a connection has sent what there was, but need not have read to the end.
        if (how == Closed::orderly || (how == Closed::released && direction == Direction::sent)) {
            end(direction, time, out);
            continue;
        }
        const How end_how = open_end(how, direction);
        const bool astray = side(direction).state == Side::State::seeking;
        if (side(direction).in_message) {
            const bool amid = end_how == How::left && side(direction).body.lacks_bytes();
            end_message(direction, time, amid ? How::cut_off : end_how, out);
        }
        side(direction).state = Side::State::ended;
        if (direction == response_direction()) end_unanswered(time, astray ? How::given_up : end_how, out);
    }
}

// Requests that will never be answered within sight.
void Http1Connection::end_unanswered(base::Time time, How how, HttpOut out) {
    while (const auto request = pairing_.take())
        emit_end(out, request->exchange, Part::response, time, how);
}

std::optional<std::uint64_t> Http1Connection::body_end(model::ExchangeNumber exchange, Part part) const {
    if (!recognised()) return std::nullopt;
    const Side& asked = side(part == Part::request ? *request_direction_ : response_direction());
    if (!asked.in_message || asked.exchange != exchange || !asked.body.left()) return std::nullopt;
    return asked.position + *asked.body.left();
}

}  // namespace llmsnoop::http
