#include "agent/http/chunked_body.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace llmsnoop::http {
namespace {

constexpr unsigned kMostDigits = 16;
constexpr std::size_t kLongestExtension = 16U << 10;
constexpr std::size_t kLongestTrailer = 64U << 10;

// A chunk header right behind a gap is believed only if it is short and its size is one that peers send.
constexpr std::size_t kLongestHeaderAfterGap = 64;
constexpr std::uint64_t kLargestChunkAfterGap = 16U << 20;

int hex_value(std::uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The beginning of `text`, taken as a chunk header; the line end of the chunk before may stand in front of it.
struct Header {
    enum class Verdict : std::uint8_t { unclear, good, bad };

    Verdict verdict = Verdict::bad;
    std::uint64_t size = 0;
    std::size_t end = 0;  // where the chunk's data begins
};

Header judge_header(std::string_view text) {
    std::size_t at = 0;
    if (text.starts_with('\r')) ++at;
    if (at < text.size() && text[at] == '\n') {
        ++at;
    } else if (at < text.size() && at > 0) {
        return {};
    }
    Header header;
    const std::size_t first_digit = at;
    for (; at < text.size(); ++at) {
        const int value = hex_value(static_cast<std::uint8_t>(text[at]));
        if (value < 0) break;
        header.size = header.size << 4 | static_cast<std::uint64_t>(value);
        if (header.size > kLargestChunkAfterGap) return {};
    }
    if (at == text.size()) return {Header::Verdict::unclear};
    if (at == first_digit || (text[at] != '\r' && text[at] != ' ' && text[at] != ';')) return {};
    const auto lf = text.find('\n', at);
    if (lf == std::string_view::npos) return {Header::Verdict::unclear};
    if (text[lf - 1] != '\r') return {};
    header.verdict = Header::Verdict::good;
    header.end = lf + 1;
    return header;
}

}  // namespace

BodyStep ChunkedBody::next(base::Bytes bytes) {
    BodyStep step;
    while (step.used < bytes.size()) {
        const base::Bytes rest = bytes.subspan(step.used);
        if (state_ == State::data) {
            if (!step.data.empty()) return step;
            step.data = rest.first(std::min<std::uint64_t>(left_, rest.size()));
            left_ -= step.data.size();
            step.used += step.data.size();
            if (left_ == 0) state_ = State::data_end;
            continue;
        }
        const BodyStep part = read(rest);
        step.used += part.used;
        step.state = part.state;
        if (part.state != BodyState::more) return step;
    }
    return step;
}

// One step outside the data of a chunk.
BodyStep ChunkedBody::read(base::Bytes bytes) {
    BodyStep step;
    bool fine = true;
    switch (state_) {
        case State::size:
            fine = read_size(bytes, step.used);
            break;
        case State::extension: {
            const void* lf = std::memchr(bytes.data(), '\n', bytes.size());
            step.used =
                lf ? static_cast<std::size_t>(static_cast<const std::uint8_t*>(lf) - bytes.data()) + 1 : bytes.size();
            line_length_ += step.used;
            fine = line_length_ <= kLongestExtension;
            if (lf) size_is_complete();
            break;
        }
        case State::data_end:
            if (bytes.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
                state_ = State::size;
                step.used = 2;
                break;
            }
            // Bare LF is taken as a line end here too (RFC 9112 section 2.2).
            fine = bytes[0] == '\r' || bytes[0] == '\n';
            if (fine) state_ = bytes[0] == '\r' ? State::data_end_lf : State::size;
            step.used = fine ? 1 : 0;
            break;
        case State::data_end_lf:
            fine = bytes[0] == '\n';
            if (fine) state_ = State::size;
            step.used = fine ? 1 : 0;
            break;
        case State::trailer:
            step.state = read_trailer(bytes, step.used);
            return step;
        case State::after_gap:
            step.state = read_after_gap(bytes, step.used);
            return step;
        case State::data:
            break;
    }
    if (!fine) step.state = BodyState::lost;
    return step;
}

bool ChunkedBody::read_size(base::Bytes bytes, std::size_t& used) {
    for (; used < bytes.size(); ++used) {
        const std::uint8_t c = bytes[used];
        if (const int value = hex_value(c); value >= 0) {
            if (++digits_ > kMostDigits) return false;
            left_ = left_ << 4 | static_cast<std::uint64_t>(value);
            continue;
        }
        if (digits_ == 0) return false;
        if (c == '\r' && bytes.size() - used >= 2 && bytes[used + 1] == '\n') {
            used += 2;
            size_is_complete();
            return true;
        }
        if (c == '\n') {
            ++used;
            size_is_complete();
            return true;
        }
        // White space, CR, or the ";" of an extension: none of them matters up to the line end.
        if (c != '\r' && c != ' ' && c != '\t' && c != ';') return false;
        state_ = State::extension;
        line_length_ = 0;
        return true;
    }
    return true;
}

void ChunkedBody::size_is_complete() {
    state_ = left_ > 0 ? State::data : State::trailer;
    digits_ = 0;
    line_length_ = 0;
}

BodyState ChunkedBody::read_trailer(base::Bytes bytes, std::size_t& used) {
    while (used < bytes.size()) {
        const std::uint8_t c = bytes[used++];
        if (c == '\n') {
            if (line_length_ == 0) return BodyState::ended;
            line_length_ = 0;
        } else if (c != '\r') {
            ++line_length_;
        }
        if (++trailer_bytes_ > kLongestTrailer) return BodyState::lost;
    }
    return BodyState::more;
}

// The supposed header is gathered before it is believed, so that its bytes can be read again if it is none.
BodyState ChunkedBody::read_after_gap(base::Bytes bytes, std::size_t& used) {
    const std::size_t before = line_.size();
    line_ += base::as_text(bytes.first(std::min(bytes.size(), kLongestHeaderAfterGap - before)));
    const Header header = judge_header(line_);
    if (header.verdict == Header::Verdict::unclear && line_.size() < kLongestHeaderAfterGap) {
        used = bytes.size();
        return BodyState::more;
    }
    if (header.verdict != Header::Verdict::good) {
        line_.resize(before);
        return BodyState::lost;
    }
    used = header.end - before;
    left_ = header.size;
    line_.clear();
    size_is_complete();
    return BodyState::more;
}

BodySkip ChunkedBody::skip(std::uint64_t length, AfterGap after) {
    BodySkip skip;
    if (state_ == State::data) {
        skip.used = std::min(length, left_);
        skip.length = skip.used;
        left_ -= skip.used;
        length -= skip.used;
        if (left_ == 0) state_ = State::data_end;
        if (length == 0) return skip;
        // Exactly the line end of the chunk is missing with its data: what follows is the next chunk.
        if (length == 2) {
            state_ = State::size;
            skip.used += 2;
            return skip;
        }
    } else if (state_ == State::data_end && length == 2) {
        state_ = State::size;
        skip.used = 2;
        skip.data_missing = false;
        return skip;
    }
    skip.length.reset();
    skip.used += length;
    const bool hopeless = after == AfterGap::give_up || state_ == State::trailer;
    state_ = State::after_gap;
    digits_ = 0;
    left_ = 0;
    line_.clear();
    skip.state = hopeless ? BodyState::lost : BodyState::more;
    return skip;
}

}  // namespace llmsnoop::http
