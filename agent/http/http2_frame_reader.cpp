#include "agent/http/http2_frame_reader.h"

#include <algorithm>

#include "agent/base/endian.h"

namespace llmsnoop::http {
namespace {

// Takes the padding and what else stands around it off a payload; nothing if that contradicts its length.
std::optional<base::Bytes> fragment_of(const Http2Frame& frame, base::Bytes payload) {
    std::size_t before = 0;
    if (frame.type == Http2Type::headers && frame.has(http2_flag::kPriority)) before = 5;
    if (frame.type == Http2Type::push_promise) before = 4;
    std::size_t padding = 0;
    if (frame.type != Http2Type::continuation && frame.has(http2_flag::kPadded)) {
        if (payload.empty()) return std::nullopt;
        padding = payload[0];
        ++before;
    }
    if (payload.size() < before + padding) return std::nullopt;
    return payload.subspan(before).first(payload.size() - before - padding);
}

}  // namespace

Http2FrameReader::Step Http2FrameReader::next(base::Bytes bytes, base::Time time) {
    Step step;
    while (step.event == Event::more) {
        if (state_ == State::begun) begin_payload();
        const base::Bytes rest = bytes.subspan(step.used);
        if (rest.empty() && (state_ == State::header || left_ > 0)) break;
        if (state_ == State::header) {
            step.used += read_header(rest, time, step);
        } else if (frame_.type == Http2Type::data) {
            step.used += read_data(rest, step);
        } else {
            step.used += read_whole(rest, step);
        }
    }
    return step;
}

std::size_t Http2FrameReader::read_header(base::Bytes bytes, base::Time time, Step& step) {
    const std::size_t before = header_.size();
    if (before == 0) frame_started_ = time;
    const base::Bytes part = bytes.first(std::min(bytes.size(), kHttp2FrameHeader - before));
    base::Bytes header = part;
    if (before > 0 || part.size() < kHttp2FrameHeader) {
        header_ += base::as_text(part);
        header = base::as_bytes(header_);
    }
    if (header.size() < kHttp2FrameHeader) return part.size();
    frame_ = read_http2_frame(header);
    if (!is_lawful(frame_)) {
        header_.resize(before);
        step.event = Event::out_of_step;
        return 0;
    }
    header_.clear();
    state_ = State::begun;
    step.event = Event::began;
    step.stream = frame_.stream;
    return part.size();
}

bool Http2FrameReader::is_wanted() const {
    return frame_.type == Http2Type::headers || frame_.type == Http2Type::push_promise ||
           frame_.type == Http2Type::continuation || frame_.type == Http2Type::goaway;
}

void Http2FrameReader::begin_payload() {
    state_ = State::payload;
    left_ = frame_.length;
    padding_unknown_ = frame_.type == Http2Type::data && frame_.has(http2_flag::kPadded) && left_ > 0;
    data_left_ = padding_unknown_ ? 0 : left_;
    payload_.clear();
    payload_broken_ = is_wanted() && frame_.length > block_limit_;
    block_too_large_ |= payload_broken_ && frame_.type != Http2Type::goaway;
    // Nothing may stand between the frames of a block (RFC 9113 section 6.10).
    if (block_open_ && frame_.type != Http2Type::continuation) block_lost_ = true;
}

std::optional<std::uint32_t> Http2FrameReader::amid_data() const {
    if (state_ == State::header || frame_.type != Http2Type::data) return std::nullopt;
    const bool more = state_ == State::begun ? frame_.length > 0 : data_left_ > 0 || padding_unknown_;
    return more ? std::optional(frame_.stream) : std::nullopt;
}

std::size_t Http2FrameReader::read_data(base::Bytes bytes, Step& step) {
    std::size_t used = 0;
    if (padding_unknown_ && !bytes.empty()) {
        padding_unknown_ = false;
        left_ -= 1;
        data_left_ = left_ - std::min<std::uint32_t>(bytes[0], left_);
        used = 1;
    }
    step.bytes = bytes.subspan(used).first(std::min<std::size_t>(bytes.size() - used, data_left_));
    used += step.bytes.size();
    data_left_ -= static_cast<std::uint32_t>(step.bytes.size());
    left_ -= static_cast<std::uint32_t>(step.bytes.size());
    if (data_left_ == 0 && !padding_unknown_) {
        const std::size_t padding = std::min<std::size_t>(bytes.size() - used, left_);
        used += padding;
        left_ -= static_cast<std::uint32_t>(padding);
    }
    if (left_ == 0) {
        state_ = State::header;
        step.end_stream = frame_.has(http2_flag::kEndStream);
    }
    if (!step.bytes.empty() || step.end_stream) step.event = Event::data;
    step.stream = frame_.stream;
    return used;
}

// Frames that are needed whole, or not at all.
std::size_t Http2FrameReader::read_whole(base::Bytes bytes, Step& step) {
    const base::Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), left_));
    left_ -= static_cast<std::uint32_t>(part.size());
    base::Bytes payload = part;
    if (is_wanted() && !payload_broken_ && (left_ > 0 || !payload_.empty())) {
        payload_ += base::as_text(part);
        payload = base::as_bytes(payload_);
    }
    if (left_ == 0) {
        state_ = State::header;
        frame_complete(payload, step);
    }
    return part.size();
}

void Http2FrameReader::frame_complete(base::Bytes payload, Step& step) {
    switch (frame_.type) {
        case Http2Type::headers:
        case Http2Type::push_promise:
            block_begins(payload, step);
            break;
        case Http2Type::continuation:
            block_goes_on(payload, step);
            break;
        case Http2Type::rst_stream:
            step.event = Event::reset;
            step.stream = frame_.stream;
            break;
        case Http2Type::goaway:
            if (payload_broken_) break;
            step.event = Event::go_away;
            step.stream = base::load_be<std::uint32_t>(payload.data()) & 0x7fffffff;
            break;
        default:
            break;
    }
}

void Http2FrameReader::block_begins(base::Bytes payload, Step& step) {
    const auto fragment = fragment_of(frame_, payload);
    block_lost_ = block_open_ || payload_broken_ || !fragment;
    block_open_ = !frame_.has(http2_flag::kEndHeaders);
    block_event_ = frame_.type == Http2Type::headers ? Event::head : Event::promise;
    block_stream_ = frame_.stream;
    block_started_ = frame_started_;
    block_end_stream_ = frame_.type == Http2Type::headers && frame_.has(http2_flag::kEndStream);
    if (block_open_) {
        block_ = base::as_text(fragment.value_or(base::Bytes{}));
    } else {
        block_complete(fragment.value_or(base::Bytes{}), step);
    }
}

void Http2FrameReader::block_goes_on(base::Bytes payload, Step& step) {
    if (!block_open_ || block_stream_ != frame_.stream) {
        // The beginning was missed.
        block_open_ = true;
        block_lost_ = true;
        block_event_ = Event::head;
        block_stream_ = frame_.stream;
        block_started_ = frame_started_;
        block_end_stream_ = false;
        block_.clear();
    }
    if (payload_broken_) block_lost_ = true;
    if (!block_lost_ && block_.size() + payload.size() > block_limit_) {
        block_lost_ = true;
        block_too_large_ = true;
    }
    if (!block_lost_) block_ += base::as_text(payload);
    if (frame_.has(http2_flag::kEndHeaders)) block_complete(base::as_bytes(block_), step);
}

void Http2FrameReader::block_complete(base::Bytes block, Step& step) {
    step.event = block_event_;
    step.stream = block_stream_;
    if (!block_lost_) step.bytes = block;
    step.end_stream = block_end_stream_;
    step.block_lost = block_lost_;
    step.too_large = block_too_large_;
    step.started = block_started_;
    block_open_ = false;
    block_too_large_ = false;
}

Http2FrameReader::Skip Http2FrameReader::skip(std::uint64_t length) {
    Skip skip;
    if (state_ == State::begun) begin_payload();
    if (state_ == State::header) {
        skip.out_of_step = true;
        return skip;
    }
    const auto missing = static_cast<std::uint32_t>(std::min<std::uint64_t>(length, left_));
    left_ -= missing;
    skip.out_of_step = length > missing;
    payload_broken_ = true;
    if (frame_.type != Http2Type::data) return skip;
    if (padding_unknown_) {
        // How much of the rest is padding is not known, so none of it is taken for data.
        padding_unknown_ = false;
        skip.in_data = true;
    } else {
        const std::uint32_t of_data = std::min(missing, data_left_);
        data_left_ -= of_data;
        skip.in_data = of_data > 0;
        skip.length = of_data;
    }
    return skip;
}

std::string Http2FrameReader::take_gathered() {
    return std::move(header_);
}

void Http2FrameReader::restart() {
    state_ = State::header;
    header_.clear();
    block_open_ = false;
    block_too_large_ = false;
}

}  // namespace llmsnoop::http
