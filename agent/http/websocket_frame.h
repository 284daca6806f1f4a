#pragma once
// The frame header and the masking of WebSocket (RFC 6455 sections 5.2 and 5.3).
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::http {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct FrameHeader {
    bool fin = false;
    bool compressed = false;  // RSV1 (RFC 7692 section 6)
    bool masked = false;
    Opcode opcode = Opcode::continuation;
    std::uint64_t length = 0;  // of the payload
    std::array<std::uint8_t, 4> mask{};
    std::size_t size = 0;  // of the header

    bool is_control() const { return static_cast<std::uint8_t>(opcode) >= 8; }
};

inline constexpr std::size_t kLongestFrameHeader = 14;

enum class HeaderStatus : std::uint8_t { incomplete, complete, invalid };

// `invalid`: reserved bits or opcodes, a control frame that is fragmented or too long, a length with its highest bit
// set.
HeaderStatus read_frame_header(base::Bytes bytes, FrameHeader& header);

// Writes the bytes, unmasked, to `to`, which has room for them; `phase` is their offset in the payload.
void unmask(base::Bytes bytes, const std::array<std::uint8_t, 4>& mask, std::uint64_t phase, std::uint8_t* to);

}  // namespace llmsnoop::http
