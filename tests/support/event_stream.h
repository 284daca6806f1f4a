#pragma once
// Writes messages of application/vnd.amazon.eventstream, with checksums of its own making (bit by bit, so that the
// agent's use of zlib is checked against something else).
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace llmsnoop::support {

inline std::string big_endian(std::uint32_t value, unsigned bytes) {
    std::string out;
    for (unsigned i = bytes; i > 0; --i)
        out.push_back(static_cast<char>(value >> (8 * (i - 1)) & 0xFF));
    return out;
}

// CRC-32 as in ISO 3309.
inline std::string event_stream_checksum(std::string_view text) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : text) {
        crc ^= static_cast<std::uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
    }
    return big_endian(~crc, 4);
}

// One header of type string.
inline std::string event_stream_header(std::string_view name, std::string_view value) {
    std::string out = big_endian(static_cast<std::uint32_t>(name.size()), 1);
    out.append(name);
    out += big_endian(7, 1) + big_endian(static_cast<std::uint32_t>(value.size()), 2);
    return out.append(value);
}

inline std::string event_stream_raw(std::string_view headers, std::string_view payload) {
    std::string out = big_endian(static_cast<std::uint32_t>(16 + headers.size() + payload.size()), 4);
    out += big_endian(static_cast<std::uint32_t>(headers.size()), 4);
    out += event_stream_checksum(out);
    out.append(headers).append(payload);
    return out + event_stream_checksum(out);
}

inline std::string event_stream_message(std::initializer_list<std::pair<std::string_view, std::string_view>> headers,
                                        std::string_view payload) {
    std::string block;
    for (const auto& [name, value] : headers)
        block += event_stream_header(name, value);
    return event_stream_raw(block, payload);
}

inline std::string event_stream_event(std::string_view type, std::string_view payload) {
    return event_stream_message(
        {{":event-type", type}, {":content-type", "application/json"}, {":message-type", "event"}}, payload);
}

}  // namespace llmsnoop::support
