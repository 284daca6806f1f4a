#include "agent/http/message_body.h"

#include <algorithm>

namespace llmsnoop::http {

BodyStep MessageBody::next(base::Bytes bytes) {
    switch (framing_) {
        case Framing::none:
            return {BodyState::ended, 0, {}};
        case Framing::length: {
            const base::Bytes data = bytes.first(std::min<std::uint64_t>(left_, bytes.size()));
            left_ -= data.size();
            return {left_ == 0 ? BodyState::ended : BodyState::more, data.size(), data};
        }
        case Framing::chunked:
            return chunks_.next(bytes);
        case Framing::until_close:
            break;
    }
    return {BodyState::more, bytes.size(), bytes};
}

BodySkip MessageBody::skip(std::uint64_t length, ChunkedBody::AfterGap after) {
    switch (framing_) {
        case Framing::none:
            return {BodyState::ended, 0, false, {}};
        case Framing::length: {
            const std::uint64_t missing = std::min(left_, length);
            left_ -= missing;
            return {left_ == 0 ? BodyState::ended : BodyState::more, missing, true, missing};
        }
        case Framing::chunked:
            return chunks_.skip(length, after);
        case Framing::until_close:
            break;
    }
    return {BodyState::more, length, true, length};
}

bool MessageBody::lacks_bytes() const {
    if (framing_ == Framing::length) return left_ > 0;
    return framing_ == Framing::chunked && chunks_.lacks_bytes();
}

std::optional<std::uint64_t> MessageBody::left() const {
    if (framing_ != Framing::length) return std::nullopt;
    return left_;
}

}  // namespace llmsnoop::http
