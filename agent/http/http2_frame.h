#pragma once
// The frame header of HTTP/2 (RFC 9113 section 4.1), and how likely nine bytes are to be one.
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::http {

enum class Http2Type : std::uint8_t {
    data = 0,
    headers = 1,
    priority = 2,
    rst_stream = 3,
    settings = 4,
    push_promise = 5,
    ping = 6,
    goaway = 7,
    window_update = 8,
    continuation = 9,
};

namespace http2_flag {
inline constexpr std::uint8_t kEndStream = 0x01;
inline constexpr std::uint8_t kAck = 0x01;
inline constexpr std::uint8_t kEndHeaders = 0x04;
inline constexpr std::uint8_t kPadded = 0x08;
inline constexpr std::uint8_t kPriority = 0x20;
}  // namespace http2_flag

struct Http2Frame {
    std::uint32_t length = 0;          // of the payload
    Http2Type type = Http2Type::data;  // may hold types that the enum does not name: extensions
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

inline constexpr std::size_t kHttp2FrameHeader = 9;

// `bytes` holds at least kHttp2FrameHeader bytes.
Http2Frame read_http2_frame(base::Bytes bytes);

// Does the frame keep the rules that every peer enforces (stream zero or not, fixed lengths)? Unknown types always do
// (section 5.5).
bool is_lawful(const Http2Frame& frame);

// Stricter, for places where it is not known that a frame begins: known types, defined flags, ordinary sizes.
bool is_plausible(const Http2Frame& frame, std::uint32_t largest);

}  // namespace llmsnoop::http
