#include "agent/tokens/unicode_class.h"

namespace llmsnoop::tokens {

namespace {

#include "agent/tokens/data/unicode_classes.inc"

constexpr CharClass look_up(char32_t code_point) {
    const unsigned block = kClassIndex[code_point / kClassBlock];
    const unsigned pair = kClassBlocks[(block * kClassBlock + code_point % kClassBlock) / 2];
    return static_cast<CharClass>((pair >> (4 * (code_point % 2))) & 15);
}

constexpr std::array<CharClass, 128> ascii_classes() {
    std::array<CharClass, 128> classes{};
    for (unsigned c = 0; c < classes.size(); ++c)
        classes[c] = look_up(c);
    return classes;
}

}  // namespace

constexpr std::array<CharClass, 128> kAsciiClass = ascii_classes();

CharClass class_of(char32_t code_point) {
    return code_point <= 0x10ffff ? look_up(code_point) : CharClass::other;
}

Glyph decode_multibyte(const char* at) {
    const auto byte = [at](unsigned i) { return static_cast<char32_t>(static_cast<std::uint8_t>(at[i])); };
    const char32_t first = byte(0);
    if (first < 0xe0) return {look_up((first & 0x1f) << 6 | (byte(1) & 0x3f)), 2};
    if (first < 0xf0) return {look_up((first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f)), 3};
    const char32_t rest = (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
    return {look_up((first & 0x07) << 18 | rest), 4};
}

}  // namespace llmsnoop::tokens
