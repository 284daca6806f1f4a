#pragma once
// One direction of a connection, in order, with nothing hidden: bytes, or an explicit hole.
#include <cstdint>
#include <optional>
#include <variant>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/loss.h"

namespace llmsnoop::model {

// `bytes` is valid only during the call that delivers it.
struct StreamBytes {
    std::uint64_t offset = 0;
    base::Time time;
    base::Bytes bytes;
};

struct Gap {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    base::Time time;
    Loss reason = Loss::stream_gap;

    friend bool operator==(const Gap&, const Gap&) = default;
};

using StreamItem = std::variant<StreamBytes, Gap>;

}  // namespace llmsnoop::model
