#pragma once
// One message of application/vnd.amazon.eventstream, all integers big-endian:
//
//   total length u32 | length of headers u32 | CRC-32 of these 8 bytes | headers | payload | CRC-32 of everything
//   before
//
// A header is: length of name u8, name, type u8, value. The types are listed in the source.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

struct EventStreamPrelude {
    static constexpr std::size_t kSize = 12;

    std::uint32_t total = 0;  // of the message, prelude and checksums included; at least 16
    std::uint32_t headers = 0;

    // `bytes` are at least kSize. Nothing if the checksum is wrong or the lengths contradict each other.
    static std::optional<EventStreamPrelude> read(base::Bytes bytes);
};

struct EventStreamMessage {
    std::string_view name;   // :event-type, :exception-type or :error-code
    bool exception = false;  // :message-type is exception or error
    base::Bytes payload;

    // `bytes` are exactly one message whose prelude is right. Nothing if its checksum is wrong or its headers are
    // malformed. The result borrows from `bytes`.
    static std::optional<EventStreamMessage> read(base::Bytes bytes, const EventStreamPrelude& prelude);
};

}  // namespace llmsnoop::framing
