#pragma once
// HTTP/2 frames by hand (RFC 9113, RFC 7541), for input that no library would make. Header fields are literals without
// Huffman coding.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsnoop::hostile {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class FrameType : std::uint8_t {
    data = 0,
    headers = 1,
    reset = 3,
    settings = 4,
    push_promise = 5,
    ping = 6,
    goaway = 7,
    window_update = 8,
    continuation = 9,
};
inline constexpr unsigned kEndStream = 1;
inline constexpr unsigned kEndHeaders = 4;
inline constexpr unsigned kPadded = 8;

std::string number_of(std::uint64_t value, int bytes);  // big endian

// `length`: what the frame says of itself, where that is not the truth.
std::string frame_head(std::size_t length, FrameType type, unsigned flags, std::uint32_t stream);
std::string frame(FrameType type, unsigned flags, std::uint32_t stream, std::string_view payload);

enum class Indexing : std::uint8_t { none, incremental };
std::string literal(std::string_view name, std::string_view value, Indexing indexing = Indexing::none);

// The header block of a call to OpenAI's chat API, and of its answer.
std::string request_block();
std::string answer_block(std::string_view content_type);

// A whole exchange on a stream: what the client sends, what the server sends.
std::string request_on(std::uint32_t stream, std::string_view body);
std::string answer_on(std::uint32_t stream, std::string_view body);

}  // namespace llmsnoop::hostile
