#pragma once
// What one step of reading an HTTP/1 body yields.
#include <cstdint>
#include <optional>

#include "agent/base/bytes.h"

namespace llmsnoop::http {

enum class BodyState : std::uint8_t {
    more,   // the body goes on
    ended,  // its framing says that it ends here
    lost,   // its framing is broken, or bytes of it are missing: where it ends is not known
};

struct BodyStep {
    BodyState state = BodyState::more;
    std::size_t used = 0;
    base::Bytes data;  // a view into the input
};

// What a gap means to a body.
struct BodySkip {
    BodyState state = BodyState::more;
    std::uint64_t used = 0;                 // so much of the gap lies in this body
    bool data_missing = true;               // false where only framing was swallowed
    std::optional<std::uint64_t> length{};  // of the data that is missing, where the framing tells
};

}  // namespace llmsnoop::http
