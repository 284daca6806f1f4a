#pragma once
// WebSocket messages (RFC 6455) to and from bytes, for test servers and clients: fragments, masking,
// permessage-deflate. Written for peers that behave; anything else is `failed`.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/net/message_deflate.h"

namespace llmsnoop::support {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
enum class Masking : std::uint8_t { none, masked };  // section 5.1: a client masks, a server does not

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2).
std::string accept_key(std::string_view key);

class FrameWriter {
 public:
    FrameWriter(Masking masking, Deflate deflate) : masking_(masking), deflate_(deflate), deflater_(deflate) {}

    // A text message in frames of at most `fragment` bytes of payload; 0: in one. `ping`, unless empty, is put in
    // behind its first frame (section 5.4: control frames may stand between the fragments of a message).
    void text(std::string& out, std::string_view message, std::size_t fragment, std::string_view ping = {});
    void control(std::string& out, Opcode opcode, std::string_view payload);

 private:
    void frame(std::string& out, unsigned first_byte, std::string_view payload);

    const Masking masking_;
    const Deflate deflate_;
    MessageDeflater deflater_;
    std::uint32_t mask_ = 0x9e3779b9;  // of the next frame
};

struct Message {
    Opcode opcode = Opcode::text;
    std::string payload;  // inflated
};

class FrameReader {
 public:
    explicit FrameReader(Deflate deflate) : inflater_(deflate) {}

    void feed(std::string_view bytes) { bytes_ += bytes; }

    // The next whole message or control frame, if it is there.
    std::optional<Message> next();
    bool failed() const { return failed_; }

 private:
    std::optional<Message> take_frame(std::size_t& used);

    MessageInflater inflater_;
    std::string bytes_;
    Message message_;  // of which fragments have come
    bool compressed_ = false;
    bool failed_ = false;
};

}  // namespace llmsnoop::support
