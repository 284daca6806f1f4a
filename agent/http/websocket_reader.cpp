#include "agent/http/websocket_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace llmsnoop::http {

using model::Loss;

namespace {

constexpr std::size_t kKeptCapacity = 1U << 20;

ContextTakeover takeover_of(const DeflateTerms& terms, model::Part part) {
    return part == model::Part::request ? terms.client : terms.server;
}

}  // namespace

WebSocketReader::WebSocketReader(model::ExchangeNumber exchange, model::Part part, const DeflateTerms& terms,
                                 model::LossCounters& losses, const Limits& limits)
    : exchange_(exchange),
      part_(part),
      deflate_(terms.agreed),
      losses_(losses),
      limit_(limits.websocket_message),
      look_{part == model::Part::request, terms.agreed},
      memory_(limits.memory),
      inflater_(takeover_of(terms, part)) {}

void WebSocketReader::feed(base::Bytes bytes, base::Time time, HttpOut out) {
    while (!bytes.empty() || (state_ == State::payload && left_ == 0)) {
        switch (state_) {
            case State::header:
                feed_header(bytes, time, out);
                break;
            case State::payload:
                feed_payload(bytes, time, out);
                break;
            case State::seeking:
                if (!feed_seeking(bytes, time, out)) return;
                break;
            case State::ended:
                return;
        }
    }
}

BoundarySeeker::Verdict WebSocketReader::judge(base::Bytes bytes, BoundarySeeker::More more) const {
    return judge_websocket_boundary(bytes, more, look_);
}

// False if everything was used.
bool WebSocketReader::feed_seeking(base::Bytes& bytes, base::Time time, HttpOut out) {
    const auto judge_it = [this](base::Bytes at, BoundarySeeker::More more) { return judge(at, more); };
    if (seeker_.empty()) {
        const auto at = seeker_.find(bytes, judge_it);
        if (!at) return false;
        state_ = State::header;
        bytes = bytes.subspan(*at);
        return true;
    }
    if (seeker_.add(bytes, judge_it)) {
        state_ = State::header;
        const std::string rest = seeker_.take();
        feed(base::as_bytes(rest), time, out);  // at most this deep: nothing waits in the seeker now
    }
    return false;
}

void WebSocketReader::feed_header(base::Bytes& bytes, base::Time time, HttpOut out) {
    const std::size_t before = header_bytes_.size();
    base::Bytes start = bytes;
    if (before > 0) {
        header_bytes_ += base::as_text(bytes.first(std::min(bytes.size(), kLongestFrameHeader - before)));
        start = base::as_bytes(header_bytes_);
    }
    HeaderStatus status = read_frame_header(start, frame_);
    if (status == HeaderStatus::complete && frame_.compressed && !deflate_) status = HeaderStatus::invalid;
    switch (status) {
        case HeaderStatus::incomplete:
            if (before == 0) header_bytes_ = base::as_text(bytes);
            bytes = {};
            break;
        case HeaderStatus::complete:
            bytes = bytes.subspan(frame_.size - before);
            header_bytes_.clear();
            begin_frame(time, out);
            break;
        case HeaderStatus::invalid: {
            header_bytes_.resize(before);
            const std::string gathered = std::exchange(header_bytes_, {});
            report_bad_frame(time, out);
            go_astray(time, out);
            feed(base::as_bytes(gathered), time, out);  // at most this deep: no header is in progress now
            break;
        }
    }
}

void WebSocketReader::begin_frame(base::Time time, HttpOut out) {
    state_ = State::payload;
    left_ = frame_.length;
    if (frame_.is_control()) return;
    if (frame_.opcode != Opcode::continuation) {
        if (in_message_) {
            // A new message before the end of the last one (RFC 6455 section 5.4 forbids it): that one has no end.
            report_bad_frame(time, out);
            if (whole_ == Whole::yes) whole_ = Whole::cut;
            end_message(time, out);
        }
        begin_message();
    } else if (!in_message_) {
        report_bad_frame(time, out);
    }
}

void WebSocketReader::feed_payload(base::Bytes& bytes, base::Time time, HttpOut out) {
    const base::Bytes part = bytes.first(std::min<std::uint64_t>(bytes.size(), left_));
    bytes = bytes.subspan(part.size());
    if (in_message_ && !frame_.is_control()) add_to_message(part, time, out);
    left_ -= part.size();
    if (left_ == 0) end_frame(time, out);
}

void WebSocketReader::add_to_message(base::Bytes bytes, base::Time time, HttpOut out) {
    if (bytes.empty() || whole_ != Whole::yes) return;
    const bool in_one_piece = frame_.fin && frame_.opcode != Opcode::continuation && bytes.size() == frame_.length;
    if (!compressed_ && !frame_.masked && in_one_piece && bytes.size() <= limit_) {
        emit(bytes, time, out);
        in_message_ = false;
        return;
    }
    const std::uint64_t phase = frame_.length - left_;
    if (compressed_) {
        inflate(bytes, phase, time, out);
        return cut_if_too_much_is_held();
    }
    const std::size_t before = message_.size();
    const std::size_t fits = std::min(bytes.size(), limit_ - before);
    if (frame_.masked) {
        message_.resize(before + fits);
        unmask(bytes.first(fits), frame_.mask, phase, reinterpret_cast<std::uint8_t*>(message_.data()) + before);
    } else {
        message_ += base::as_text(bytes.first(fits));
    }
    if (fits < bytes.size()) {
        losses_.add(Loss::websocket_message_limit);
        whole_ = Whole::cut;
    }
    cut_if_too_much_is_held();
}

// What came so far is passed on with the end of the message, as for one that is too long.
void WebSocketReader::cut_if_too_much_is_held() {
    if (memory_.hold(message_.capacity()) || whole_ != Whole::yes) return;
    losses_.add(Loss::memory_limit);
    whole_ = Whole::cut;
    if (compressed_) inflater_.lose_context();
}

void WebSocketReader::inflate(base::Bytes bytes, std::uint64_t phase, base::Time time, HttpOut out) {
    if (!frame_.masked) {
        note(inflater_.feed(bytes, message_, limit_), time, out);
        return;
    }
    std::array<std::uint8_t, 4096> clear;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    while (!bytes.empty() && whole_ == Whole::yes) {
        const base::Bytes part = bytes.first(std::min(bytes.size(), clear.size()));
        unmask(part, frame_.mask, phase, clear.data());
        note(inflater_.feed(base::Bytes(clear).first(part.size()), message_, limit_), time, out);
        bytes = bytes.subspan(part.size());
        phase += part.size();
    }
}

void WebSocketReader::note(Inflater::Status status, base::Time time, HttpOut out) {
    if (status == Inflater::Status::good) return;
    if (status == Inflater::Status::full) {
        losses_.add(Loss::websocket_message_limit);
        whole_ = Whole::cut;
    } else {
        report_bad_frame(time, out);
        whole_ = Whole::broken;
    }
    // What was not decompressed is missing from the window of the messages that follow.
    inflater_.lose_context();
}

// A message or a part of one that nobody will see.
void WebSocketReader::report_bad_frame(base::Time time, HttpOut out) {
    losses_.add(Loss::websocket_bad_frame);
    out(model::BodyGap{exchange_, part_, time, std::nullopt, Loss::websocket_bad_frame});
}

void WebSocketReader::begin_message() {
    in_message_ = true;
    compressed_ = frame_.compressed;
    kind_ = frame_.opcode == Opcode::text ? model::WebSocketMessage::Kind::text : model::WebSocketMessage::Kind::binary;
    whole_ = Whole::yes;
    message_.clear();
}

void WebSocketReader::end_frame(base::Time time, HttpOut out) {
    state_ = State::header;
    if (frame_.opcode == Opcode::close) {
        finish(time, model::MessageEnded::How::as_framed, out);
    } else if (in_message_ && !frame_.is_control() && frame_.fin) {
        end_message(time, out);
    }
}

void WebSocketReader::end_message(base::Time time, HttpOut out) {
    in_message_ = false;
    if (compressed_ && whole_ == Whole::yes) note(inflater_.end_message(message_, limit_), time, out);
    if (whole_ != Whole::broken) emit(base::as_bytes(message_), time, out);
    message_.clear();
    if (message_.capacity() > kKeptCapacity) message_.shrink_to_fit();
    memory_.hold(message_.capacity());
}

void WebSocketReader::emit(base::Bytes message, base::Time time, HttpOut out) {
    out(model::WebSocketMessage{exchange_, part_, time, kind_, whole_ == Whole::cut, message});
}

void WebSocketReader::gap(std::uint64_t length, base::Time time, Loss reason, HttpOut out) {
    if (state_ == State::ended || length == 0) return;
    const bool in_frame = state_ == State::payload && length <= left_;
    if (!in_frame || !frame_.is_control()) out(model::BodyGap{exchange_, part_, time, std::nullopt, reason});
    if (!in_frame) {
        go_astray(time, out);
        return;
    }
    left_ -= length;
    if (in_message_ && !frame_.is_control()) {
        if (compressed_) inflater_.lose_context();
        if (whole_ == Whole::yes) whole_ = Whole::cut;
    }
    if (left_ == 0) end_frame(time, out);
}

// The place in the stream is lost. What there is of a message is passed on, and the next one is looked for.
void WebSocketReader::go_astray(base::Time time, HttpOut out) {
    if (in_message_) {
        if (whole_ == Whole::yes) whole_ = Whole::cut;
        end_message(time, out);
    }
    inflater_.lose_context();
    header_bytes_.clear();
    seeker_.clear();
    state_ = State::seeking;
}

void WebSocketReader::end(base::Time time, model::MessageEnded::How how, HttpOut out) {
    if (state_ == State::seeking) {
        how = model::MessageEnded::How::given_up;
        if (seeker_.end([this](base::Bytes at, BoundarySeeker::More more) { return judge(at, more); })) {
            state_ = State::header;
            const std::string rest = seeker_.take();
            feed(base::as_bytes(rest), time, out);
        }
    }
    finish(time, how, out);
}

void WebSocketReader::finish(base::Time time, model::MessageEnded::How how, HttpOut out) {
    if (state_ == State::ended) return;
    if (in_message_) {
        if (whole_ == Whole::yes) whole_ = Whole::cut;
        end_message(time, out);
    }
    state_ = State::ended;
    emit_end(out, exchange_, part_, time, how);
}

}  // namespace llmsnoop::http
