#include "agent/base/utf8.h"

namespace llmsnoop::base {

namespace {

bool is_continuation(char byte) {
    return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

CodePoint decode_utf8(std::string_view text) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    if (lead < 0x80) return {lead, 1, true};

    // RFC 3629 section 4: the second byte's range depends on the first, which rules out overlong forms, surrogates and
    // what lies past U+10FFFF.
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    std::uint8_t wanted = 0;
    char32_t value = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        wanted = 2;
        value = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        wanted = 3;
        value = lead & 0x0FU;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        wanted = 4;
        value = lead & 0x07U;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {0, 1, false};
    }
    for (std::uint8_t at = 1; at < wanted; ++at) {
        if (at >= text.size()) return {0, at, false};
        const auto byte = static_cast<std::uint8_t>(text[at]);
        if (byte < low || byte > high) return {0, at, false};
        value = value << 6 | (byte & 0x3FU);
        low = 0x80;
        high = 0xBF;
    }
    return {value, wanted, true};
}

std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    std::size_t end = limit;
    // A sequence has at most three continuation bytes; more than that is no UTF-8, and is cut anywhere.
    for (int steps = 0; steps < 3 && end > 0 && is_continuation(text[end]); ++steps)
        --end;
    if (is_continuation(text[end])) end = limit;
    return text.substr(0, end);
}

}  // namespace llmsnoop::base
