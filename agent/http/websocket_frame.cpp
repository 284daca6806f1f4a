#include "agent/http/websocket_frame.h"

#include <cstring>

#include "agent/base/endian.h"

namespace llmsnoop::http {

HeaderStatus read_frame_header(base::Bytes bytes, FrameHeader& header) {
    if (bytes.size() < 2) return HeaderStatus::incomplete;
    const std::uint8_t first = bytes[0];
    const std::uint8_t second = bytes[1];
    const std::uint8_t opcode = first & 0x0f;
    if ((first & 0x30) != 0 || (opcode > 2 && opcode < 8) || opcode > 10) return HeaderStatus::invalid;

    header.fin = (first & 0x80) != 0;
    header.compressed = (first & 0x40) != 0;
    header.opcode = static_cast<Opcode>(opcode);
    header.masked = (second & 0x80) != 0;
    header.length = second & 0x7f;
    // "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented" (section 5.5);
    // only the first frame of a message says that it is compressed (RFC 7692 section 6).
    if (header.is_control() && (!header.fin || header.length > 125 || header.compressed)) return HeaderStatus::invalid;
    if (header.opcode == Opcode::continuation && header.compressed) return HeaderStatus::invalid;

    const std::size_t length_bytes = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
    header.size = 2 + length_bytes + (header.masked ? 4 : 0);
    if (bytes.size() < header.size) return HeaderStatus::incomplete;
    if (length_bytes == 2) header.length = base::load_be<std::uint16_t>(&bytes[2]);
    if (length_bytes == 8) header.length = base::load_be<std::uint64_t>(&bytes[2]);
    if (header.length >> 63 != 0) return HeaderStatus::invalid;
    if (header.masked) std::memcpy(header.mask.data(), &bytes[2 + length_bytes], header.mask.size());
    return HeaderStatus::complete;
}

void unmask(base::Bytes bytes, const std::array<std::uint8_t, 4>& mask, std::uint64_t phase, std::uint8_t* to) {
    std::array<std::uint8_t, 8> key{};
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = mask[(phase + i) % mask.size()];
    const auto word_key = base::load_le<std::uint64_t>(key.data());

    std::size_t i = 0;
    for (; i + sizeof word_key <= bytes.size(); i += sizeof word_key) {
        base::store_le(to + i, base::load_le<std::uint64_t>(bytes.data() + i) ^ word_key);
    }
    for (; i < bytes.size(); ++i)
        to[i] = bytes[i] ^ key[i % key.size()];
}

}  // namespace llmsnoop::http
