#include "tests/hostile/http2_frames.h"

namespace llmsnoop::hostile {
namespace {

// RFC 7541, section 5.1.
std::string prefixed(std::uint64_t value, unsigned bits, unsigned pattern) {
    const std::uint64_t most = (1U << bits) - 1;
    std::string out;
    if (value < most) return out += static_cast<char>(pattern | value);
    out += static_cast<char>(pattern | most);
    value -= most;
    while (value >= 128) {
        out += static_cast<char>(0x80 | (value & 0x7f));
        value >>= 7;
    }
    return out += static_cast<char>(value);
}

std::string text(std::string_view value) {
    return prefixed(value.size(), 7, 0) + std::string(value);
}

}  // namespace

std::string number_of(std::uint64_t value, int bytes) {
    std::string out;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xff);
    return out;
}

std::string frame_head(std::size_t length, FrameType type, unsigned flags, std::uint32_t stream) {
    return number_of(length, 3) + static_cast<char>(type) + static_cast<char>(flags) + number_of(stream, 4);
}

std::string frame(FrameType type, unsigned flags, std::uint32_t stream, std::string_view payload) {
    return frame_head(payload.size(), type, flags, stream) + std::string(payload);
}

std::string literal(std::string_view name, std::string_view value, Indexing indexing) {
    return std::string(1, indexing == Indexing::incremental ? '\x40' : '\0') + text(name) + text(value);
}

std::string request_block() {
    return literal(":method", "POST") + literal(":scheme", "https") + literal(":authority", "api.openai.com") +
           literal(":path", "/v1/chat/completions") + literal("content-type", "application/json");
}

std::string answer_block(std::string_view content_type) {
    return literal(":status", "200") + literal("content-type", content_type);
}

std::string request_on(std::uint32_t stream, std::string_view body) {
    return frame(FrameType::headers, kEndHeaders, stream, request_block()) +
           frame(FrameType::data, kEndStream, stream, body);
}

std::string answer_on(std::uint32_t stream, std::string_view body) {
    return frame(FrameType::headers, kEndHeaders, stream, answer_block("application/json")) +
           frame(FrameType::data, kEndStream, stream, body);
}

}  // namespace llmsnoop::hostile
