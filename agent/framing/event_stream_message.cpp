#include "agent/framing/event_stream_message.h"

#include <zlib.h>

#include "agent/base/endian.h"

namespace llmsnoop::framing {

namespace {

constexpr std::size_t kChecksum = 4;
constexpr std::size_t kSmallest = EventStreamPrelude::kSize + kChecksum;

bool checksum_is_right(base::Bytes bytes, const std::uint8_t* expected) {
    return crc32_z(0, bytes.data(), bytes.size()) == base::load_be<std::uint32_t>(expected);
}

// Takes `count` bytes off the front of `bytes`, if they are there.
std::optional<base::Bytes> take(base::Bytes& bytes, std::size_t count) {
    if (bytes.size() < count) return std::nullopt;
    const base::Bytes taken = bytes.first(count);
    bytes = bytes.subspan(count);
    return taken;
}

struct Header {
    std::string_view name;
    bool is_string = false;
    std::string_view text;  // of a string
};

std::optional<Header> take_header(base::Bytes& bytes) {
    const auto name_size = take(bytes, 1);
    if (!name_size) return std::nullopt;
    const auto name = take(bytes, name_size->front());
    const auto type = take(bytes, 1);
    if (!name || !type) return std::nullopt;

    constexpr std::uint8_t kBytes = 6;
    constexpr std::uint8_t kString = 7;
    std::size_t size = 0;
    switch (type->front()) {
        case 0:  // true
        case 1:  // false
            break;
        case 2:  // byte
            size = 1;
            break;
        case 3:  // short
            size = 2;
            break;
        case 4:  // integer
            size = 4;
            break;
        case 5:  // long
        case 8:  // timestamp
            size = 8;
            break;
        case 9:  // UUID
            size = 16;
            break;
        case kBytes:
        case kString: {
            const auto length = take(bytes, 2);
            if (!length) return std::nullopt;
            size = base::load_be<std::uint16_t>(length->data());
            break;
        }
        default:
            return std::nullopt;
    }
    const auto value = take(bytes, size);
    if (!value) return std::nullopt;
    Header header{.name = base::as_text(*name), .is_string = type->front() == kString, .text = {}};
    if (header.is_string) header.text = base::as_text(*value);
    return header;
}

}  // namespace

std::optional<EventStreamPrelude> EventStreamPrelude::read(base::Bytes bytes) {
    EventStreamPrelude prelude;
    prelude.total = base::load_be<std::uint32_t>(bytes.data());
    prelude.headers = base::load_be<std::uint32_t>(bytes.data() + 4);
    // The lengths first: they rule out nearly every wrong position at no cost.
    if (prelude.total < kSmallest || prelude.headers > prelude.total - kSmallest) return std::nullopt;
    if (!checksum_is_right(bytes.first(8), bytes.data() + 8)) return std::nullopt;
    return prelude;
}

std::optional<EventStreamMessage> EventStreamMessage::read(base::Bytes bytes, const EventStreamPrelude& prelude) {
    const base::Bytes summed = bytes.first(bytes.size() - kChecksum);
    if (!checksum_is_right(summed, summed.data() + summed.size())) return std::nullopt;

    base::Bytes headers = summed.subspan(EventStreamPrelude::kSize, prelude.headers);
    std::string_view type;
    std::string_view event;
    std::string_view exception;
    std::string_view error;
    while (!headers.empty()) {
        const auto header = take_header(headers);
        if (!header) return std::nullopt;
        if (!header->is_string) continue;
        if (header->name == ":message-type") type = header->text;
        if (header->name == ":event-type") event = header->text;
        if (header->name == ":exception-type") exception = header->text;
        if (header->name == ":error-code") error = header->text;
    }
    EventStreamMessage message;
    message.exception = type == "exception" || type == "error";
    message.name = type == "exception" ? exception : type == "error" ? error : event;
    message.payload = summed.subspan(EventStreamPrelude::kSize + prelude.headers);
    return message;
}

}  // namespace llmsnoop::framing
