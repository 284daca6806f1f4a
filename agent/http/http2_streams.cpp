#include "agent/http/http2_streams.h"

#include <algorithm>
#include <charconv>

namespace llmsnoop::http {

using How = model::MessageEnded::How;
using model::Part;

namespace {

// Bytes of content that the head announces.
std::optional<std::uint64_t> announced(const model::MessageHead& head) {
    const auto text = model::header(head, "content-length");
    if (!text || head.lost || head.status == 204 || head.status == 304) return std::nullopt;
    std::uint64_t length = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), length);
    if (problem != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return length;
}

}  // namespace

Http2Streams::Http2Streams(model::ExchangeNumber offset, model::LossCounters& losses, const Limits& limits)
    : offset_(offset), losses_(losses), limits_(limits) {}

void Http2Streams::doubt(model::Loss reason) {
    if (!in_doubt_) doubt_reason_ = reason;
    in_doubt_ = true;
}

void Http2Streams::adopt_upgraded() {
    streams_[1].message(Part::request).state = Message::State::ended;
    highest_ = 1;
}

Http2Streams::Stream* Http2Streams::find(std::uint32_t stream) {
    if (cached_ != nullptr && cached_id_ == stream) return cached_;
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return nullptr;
    cached_id_ = stream;
    cached_ = &found->second;
    return cached_;
}

// Can a stream that is not in the table be one whose beginning was missed? Streams with even numbers are pushed
// (section 8.4), which nobody asked for and nothing is said about.
bool Http2Streams::may_be_unknown(std::uint32_t stream) const {
    return in_doubt_ && stream % 2 == 1 && std::find(closed_.begin(), closed_.end(), stream) == closed_.end();
}

Http2Streams::Stream* Http2Streams::open(std::uint32_t stream, base::Time now, HttpOut out) {
    if (streams_.size() >= limits_.streams && !make_room(now, out)) {
        losses_.add(model::Loss::http_stream_limit);
        return nullptr;
    }
    return &streams_[stream];
}

// A stream whose end may have been missed can stay in the table for ever; the oldest of them gives way.
bool Http2Streams::make_room(base::Time now, HttpOut out) {
    for (auto& [id, stream] : streams_) {
        if (!stream.is_missed()) continue;
        end_both(id, stream, now, How::given_up, out);
        return true;
    }
    return false;
}

Http2Streams::Stream* Http2Streams::open_without_head(std::uint32_t stream, Part part, base::Time now, HttpOut out) {
    Stream* opened = open(stream, now, out);
    if (opened == nullptr) return nullptr;
    highest_ = std::max(highest_, stream);
    Message& request = opened->message(Part::request);
    request.state = part == Part::request ? Message::State::open : Message::State::ended;
    emit_lost_request(out, exchange_of(stream), model::Protocol::http2, now,
                      part == Part::request ? LostRequest::goes_on : LostRequest::ends_here);
    if (part == Part::request) {
        out(model::BodyGap{exchange_of(stream), part, now, std::nullopt, doubt_reason_});
    } else {
        losses_.add(model::Loss::http_unpaired);
        opened->message(Part::response).missed = true;
    }
    return opened;
}

void Http2Streams::head(std::uint32_t stream, Part part, const Http2Head& head, base::Time started, base::Time now,
                        HttpOut out) {
    if (part == Part::request) {
        request_head(stream, head, started, now, out);
    } else {
        response_head(stream, head, started, now, out);
    }
}

void Http2Streams::request_head(std::uint32_t stream, const Http2Head& head, base::Time started, base::Time now,
                                HttpOut out) {
    if (find(stream) != nullptr || head.kind == Http2Head::Kind::response) return;  // trailers, or nonsense
    const bool is_new = stream % 2 == 1 && stream > highest_;
    const bool was_missed = may_be_unknown(stream) && head.kind == Http2Head::Kind::request;
    if (!is_new && !was_missed) return;
    highest_ = std::max(highest_, stream);
    Stream* opened = open(stream, now, out);
    if (opened == nullptr) return;
    opened->message(Part::request).state = Message::State::open;
    opened->message(Part::request).left = announced(*head.head);
    opened->asks_websocket = head.asks_websocket;
    opened->asks_head = head.head->method == "HEAD";
    out(model::RequestStarted{exchange_of(stream), started, head.head, take_gap(Part::request)});
}

void Http2Streams::response_head(std::uint32_t stream, const Http2Head& head, base::Time started, base::Time now,
                                 HttpOut out) {
    Stream* found = find(stream);
    if (found == nullptr && may_be_unknown(stream) && head.kind == Http2Head::Kind::response) {
        found = open_without_head(stream, Part::response, now, out);
    }
    if (found == nullptr || found->message(Part::response).state != Message::State::idle) return;  // trailers
    if (head.kind == Http2Head::Kind::request) return;
    // Without a status it is no head, but trailers: what came before them was missed. (Of a head that was seen but not
    // decoded that need not be so.)
    const bool may_be_trailers = !head.head->lost || found->message(Part::response).missed;
    if (head.kind == Http2Head::Kind::neither && may_be_trailers) {
        response_without_head(stream, *found, now, out);
    } else if (head.head->status / 100 != 1) {  // informational ones are passed over (RFC 9113 section 8.1)
        begin_response(stream, *found, head, started, out);
    }
}

void Http2Streams::begin_response(std::uint32_t id, Stream& stream, const Http2Head& head, base::Time started,
                                  HttpOut out) {
    Message& response = stream.message(Part::response);
    response.state = Message::State::open;
    const bool after_gap = take_gap(Part::response) || response.missed;
    response.missed = false;  // the head is its first part
    if (!stream.asks_head) response.left = announced(*head.head);
    if (stream.asks_websocket && (head.head->lost || head.head->status / 100 == 2)) {
        stream.websocket = std::make_unique<WebSocketConnection>(exchange_of(id), *head.head, losses_, limits_);
    }
    out(model::ResponseStarted{exchange_of(id), started, head.head, after_gap});
}

// Its head was missed, and perhaps more.
void Http2Streams::response_without_head(std::uint32_t id, Stream& stream, base::Time now, HttpOut out) {
    begin_response(id, stream, lost_http2_head(), now, out);
    out(model::BodyGap{exchange_of(id), Part::response, now, std::nullopt, doubt_reason_});
}

void Http2Streams::data(std::uint32_t stream, Part part, base::Bytes bytes, base::Time now, HttpOut out) {
    Stream* found = find(stream);
    if (found == nullptr && may_be_unknown(stream)) found = open_without_head(stream, part, now, out);
    if (found == nullptr) return;
    Message& message = found->message(part);
    if (part == Part::response && message.state == Message::State::idle)
        response_without_head(stream, *found, now, out);
    if (message.state != Message::State::open) return;
    message.at_gap = false;
    if (message.left) *message.left -= std::min<std::uint64_t>(*message.left, bytes.size());
    if (!found->websocket) {
        emit_body(out, exchange_of(stream), part, now, bytes);
        return;
    }
    WebSocketReader& reader = found->websocket->reader(part);
    reader.feed(bytes, now, out);
    if (reader.ended()) {
        message.state = Message::State::ended;
        forget_if_ended(stream);
    }
}

void Http2Streams::end_stream(std::uint32_t stream, Part part, base::Time now, HttpOut out) {
    Stream* found = find(stream);
    if (found == nullptr) return;
    if (part == Part::response && found->message(part).state == Message::State::idle) {
        response_without_head(stream, *found, now, out);
    }
    // What is shorter than its content-length is malformed (RFC 9113 section 8.1.1).
    const bool lacks_bytes = found->message(part).left.value_or(0) > 0;
    end_message(stream, *found, part, now, lacks_bytes ? How::cut_off : How::as_framed, out);
    forget_if_ended(stream);
}

void Http2Streams::end_stream_as(std::uint32_t stream, Part part, How how, base::Time now, HttpOut out) {
    Stream* found = find(stream);
    if (found == nullptr) return;
    end_message(stream, *found, part, now, how == How::left && found->message(part).missed ? How::given_up : how, out);
    forget_if_ended(stream);
}

// Streams above the last one were not and will not be processed (RFC 9113 section 6.8).
void Http2Streams::go_away(std::uint32_t last_stream, base::Time now, HttpOut out) {
    for (auto at = streams_.upper_bound(last_stream); at != streams_.end(); at = streams_.upper_bound(last_stream)) {
        end_both(at->first, at->second, now, How::cut_off, out);
    }
}

void Http2Streams::data_missing(std::uint32_t stream, Part part, std::optional<std::uint64_t> length, base::Time now,
                                model::Loss reason, HttpOut out) {
    Stream* found = find(stream);
    if (found == nullptr) return;
    if (part == Part::response && found->message(part).state == Message::State::idle) {
        begin_response(stream, *found, lost_http2_head(), now, out);
    }
    if (found->message(part).state != Message::State::open) return;
    found->message(part).left.reset();
    if (found->websocket) {
        found->websocket->reader(part).gap(length.value_or(UINT64_MAX), now, reason, out);
    } else {
        out(model::BodyGap{exchange_of(stream), part, now, length, reason});
    }
}

void Http2Streams::anything_missing(Part part, base::Time now, model::Loss reason, HttpOut out) {
    doubt(reason);
    gap_before_head_[static_cast<std::size_t>(part)] = true;
    for (auto& [id, stream] : streams_) {
        Message& message = stream.message(part);
        if (message.state == Message::State::ended) continue;
        message.missed = true;
        message.left.reset();
        if (message.state != Message::State::open || message.at_gap) continue;
        message.at_gap = true;
        data_missing(id, part, std::nullopt, now, reason, out);
    }
}

void Http2Streams::end_message(std::uint32_t id, Stream& stream, Part part, base::Time now, How how, HttpOut out) {
    Message& message = stream.message(part);
    if (message.state == Message::State::ended) return;
    message.state = Message::State::ended;
    if (stream.websocket) {
        stream.websocket->reader(part).end(now, how, out);
    } else {
        emit_end(out, exchange_of(id), part, now, how);
    }
}

void Http2Streams::end_both(std::uint32_t id, Stream& stream, base::Time now, How how, HttpOut out) {
    end_message(id, stream, Part::request, now, how, out);
    end_message(id, stream, Part::response, now, how, out);
    forget_if_ended(id);
}

void Http2Streams::forget_if_ended(std::uint32_t id) {
    const auto found = streams_.find(id);
    for (const Message& message : found->second.messages) {
        if (message.state != Message::State::ended) return;
    }
    cached_ = nullptr;
    streams_.erase(found);
    closed_[closed_count_++ % closed_.size()] = id;
}

void Http2Streams::end(Part part, base::Time now, HttpOut out) {
    for (auto at = streams_.begin(); at != streams_.end();) {
        const auto current = at++;
        end_message(current->first, current->second, part, now,
                    current->second.message(part).missed ? How::given_up : How::cut_off, out);
        forget_if_ended(current->first);
    }
}

void Http2Streams::close(How requests, How responses, base::Time now, HttpOut out) {
    while (!streams_.empty()) {
        auto& [id, stream] = *streams_.begin();
        for (const Part part : {Part::request, Part::response}) {
            const How how = part == Part::request ? requests : responses;
            end_message(id, stream, part, now, stream.message(part).missed ? How::given_up : how, out);
        }
        forget_if_ended(id);
    }
}

void Http2Streams::give_up_all(base::Time now, HttpOut out) {
    while (!streams_.empty())
        end_both(streams_.begin()->first, streams_.begin()->second, now, How::given_up, out);
}

}  // namespace llmsnoop::http
