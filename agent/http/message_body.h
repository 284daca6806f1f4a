#pragma once
// The body of an HTTP/1 message, however it is framed (RFC 9112 section 6.3), read without copying.
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/http/body_step.h"
#include "agent/http/chunked_body.h"

namespace llmsnoop::http {

class MessageBody {
 public:
    enum class Framing : std::uint8_t { none, length, chunked, until_close };

    static MessageBody none() { return MessageBody(Framing::none, 0); }
    static MessageBody of_length(std::uint64_t length) { return MessageBody(Framing::length, length); }
    static MessageBody chunked() { return MessageBody(Framing::chunked, 0); }
    static MessageBody until_close() { return MessageBody(Framing::until_close, 0); }

    Framing framing() const { return framing_; }

    // True where nothing of the body is to come, before any byte was looked at.
    bool empty() const { return framing_ == Framing::none || (framing_ == Framing::length && left_ == 0); }

    BodyStep next(base::Bytes bytes);
    BodySkip skip(std::uint64_t length, ChunkedBody::AfterGap after);

    // Has the framing announced bytes that have not come?
    bool lacks_bytes() const;

    // Bytes still to come, where the framing says so beforehand.
    std::optional<std::uint64_t> left() const;

    // After `lost`: bytes used by earlier calls that belong to whatever follows.
    std::string_view unclaimed() const { return chunks_.unclaimed(); }

 private:
    MessageBody(Framing framing, std::uint64_t length) : framing_(framing), left_(length) {}

    Framing framing_;
    std::uint64_t left_;
    ChunkedBody chunks_;
};

}  // namespace llmsnoop::http
