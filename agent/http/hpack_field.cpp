#include "agent/http/hpack_field.h"

namespace llmsnoop::http {
namespace {

// Section 5.1. `at` moves behind the integer; false if it is cut off or needs more than 32 bits.
bool read_integer(base::Bytes bytes, std::size_t& at, unsigned prefix_bits, std::uint64_t& value) {
    if (at >= bytes.size()) return false;
    const auto mask = static_cast<std::uint8_t>((1U << prefix_bits) - 1);
    value = bytes[at++] & mask;
    if (value < mask) return true;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        if (at >= bytes.size()) return false;
        const std::uint8_t octet = bytes[at++];
        value += static_cast<std::uint64_t>(octet & 0x7f) << shift;
        if ((octet & 0x80) == 0) return value <= UINT32_MAX;
    }
    return false;
}

// Section 5.2.
bool skip_string(base::Bytes bytes, std::size_t& at) {
    std::uint64_t length = 0;
    if (!read_integer(bytes, at, 7, length) || length > bytes.size() - at) return false;
    at += length;
    return true;
}

}  // namespace

std::optional<HpackField> read_hpack_field(base::Bytes bytes) {
    if (bytes.empty()) return std::nullopt;
    HpackField field;
    std::size_t at = 0;
    const std::uint8_t first = bytes[0];
    if ((first & 0x80) != 0) {
        if (!read_integer(bytes, at, 7, field.index)) return std::nullopt;
    } else if ((first & 0xe0) == 0x20) {
        field.kind = HpackField::Kind::table_size;
        std::uint64_t size = 0;
        if (!read_integer(bytes, at, 5, size)) return std::nullopt;
    } else {
        const bool inserted = (first & 0x40) != 0;
        field.kind = inserted ? HpackField::Kind::inserted : HpackField::Kind::not_inserted;
        if (!read_integer(bytes, at, inserted ? 6 : 4, field.index)) return std::nullopt;
        if (field.index == 0 && !skip_string(bytes, at)) return std::nullopt;
        field.value_at = at;
        if (!skip_string(bytes, at)) return std::nullopt;
    }
    field.size = at;
    return field;
}

}  // namespace llmsnoop::http
