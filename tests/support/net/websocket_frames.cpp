#include "tests/support/net/websocket_frames.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace llmsnoop::support {
namespace {

constexpr unsigned kFin = 0x80;
constexpr unsigned kCompressed = 0x40;  // RSV1, RFC 7692, section 6
constexpr unsigned kMasked = 0x80;

void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
        out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t read_number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes)
        value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

void apply_mask(std::string& out, std::size_t from, std::string_view key) {
    for (std::size_t i = from; i < out.size(); ++i)
        out[i] = static_cast<char>(out[i] ^ key[(i - from) % 4]);
}

}  // namespace

std::string accept_key(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
    unsigned char encoded[64];
    const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
    return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length)};
}

void FrameWriter::text(std::string& out, std::string_view message, std::size_t fragment, std::string_view ping) {
    std::string deflated;
    auto first = static_cast<unsigned>(Opcode::text);
    if (deflate_ != Deflate::none) {
        deflated = deflater_.deflate(message);
        message = deflated;
        first |= kCompressed;
    }
    // Section 5.4: the first frame has the opcode (and RSV1), those behind it are continuations.
    while (fragment > 0 && message.size() > fragment) {
        frame(out, first, message.substr(0, fragment));
        message.remove_prefix(fragment);
        first = static_cast<unsigned>(Opcode::continuation);
        if (!ping.empty()) control(out, Opcode::ping, std::exchange(ping, {}));
    }
    frame(out, first | kFin, message);
    if (!ping.empty()) control(out, Opcode::ping, ping);
}

void FrameWriter::control(std::string& out, Opcode opcode, std::string_view payload) {
    frame(out, static_cast<unsigned>(opcode) | kFin, payload);
}

void FrameWriter::frame(std::string& out, unsigned first_byte, std::string_view payload) {
    out += static_cast<char>(first_byte);
    const unsigned mask_bit = masking_ == Masking::masked ? kMasked : 0;
    if (payload.size() < 126) {
        append_number(out, mask_bit | payload.size(), 1);
    } else if (payload.size() <= 0xffff) {
        append_number(out, mask_bit | 126, 1);
        append_number(out, payload.size(), 2);
    } else {
        append_number(out, mask_bit | 127, 1);
        append_number(out, payload.size(), 8);
    }
    std::string key;
    if (mask_bit != 0) {
        mask_ = mask_ * 1664525 + 1013904223;
        append_number(key, mask_, 4);
        out += key;
    }
    const std::size_t begin = out.size();
    out += payload;
    if (mask_bit != 0) apply_mask(out, begin, key);
}

std::optional<Message> FrameReader::next() {
    while (!failed_) {
        std::size_t used = 0;
        auto whole = take_frame(used);
        bytes_.erase(0, used);
        if (whole || used == 0) return whole;
    }
    return std::nullopt;
}

std::optional<Message> FrameReader::take_frame(std::size_t& used) {
    if (bytes_.size() < 2) return std::nullopt;
    const std::string_view bytes = bytes_;
    const unsigned first = static_cast<unsigned char>(bytes[0]);
    const unsigned second = static_cast<unsigned char>(bytes[1]);
    std::uint64_t length = second & 0x7f;
    std::size_t at = 2;
    if (length >= 126) {
        const std::size_t width = length == 126 ? 2 : 8;
        if (bytes.size() < at + width) return std::nullopt;
        length = read_number(bytes.substr(at, width));
        at += width;
    }
    const std::size_t key_size = (second & kMasked) != 0 ? 4 : 0;
    if (bytes.size() < at + key_size || bytes.size() - at - key_size < length) return std::nullopt;
    std::string payload(bytes.substr(at + key_size, length));
    if (key_size > 0) apply_mask(payload, 0, bytes.substr(at, 4));
    used = at + key_size + length;

    const auto opcode = static_cast<Opcode>(first & 0x0f);
    if (opcode >= Opcode::close) return Message{opcode, std::move(payload)};
    if (opcode != Opcode::continuation) {
        message_.opcode = opcode;
        compressed_ = (first & kCompressed) != 0;
    }
    message_.payload += payload;
    if ((first & kFin) == 0) return std::nullopt;
    Message whole = std::exchange(message_, {});
    if (!compressed_) return whole;
    auto inflated = inflater_.inflate(std::move(whole.payload));
    failed_ = !inflated;
    if (failed_) return std::nullopt;
    whole.payload = std::move(*inflated);
    return whole;
}

}  // namespace llmsnoop::support
