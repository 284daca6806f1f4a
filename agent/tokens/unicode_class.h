#pragma once
// The Unicode properties that the pre-tokenisers' patterns name, as one class per code point: \p{L} is upper + lower +
// letter, \s is space + newline. The table has the Unicode version of the reference tokenizer (16.0, see tools/).
#include <array>
#include <cstddef>
#include <cstdint>

namespace llmsnoop::tokens {

enum class CharClass : std::uint8_t {
    other,
    upper,    // Lu, Lt
    lower,    // Ll
    letter,   // Lm, Lo
    mark,     // M
    number,   // N
    space,    // White_Space except the next two
    newline,  // CR, LF
};

// A character of valid UTF-8: its class and its size in bytes.
struct Glyph {
    CharClass kind;
    unsigned size;
};

CharClass class_of(char32_t code_point);

// Class by first byte; 0x80 and above are not in the table's meaning and must be decoded.
extern const std::array<CharClass, 128> kAsciiClass;

// For a first byte of 0x80 or above; the sequence is valid and lies within the text.
Glyph decode_multibyte(const char* at);

inline Glyph glyph_at(const char* at) {
    const auto byte = static_cast<std::uint8_t>(*at);
    if (byte < 0x80) return {kAsciiClass[byte], 1};
    return decode_multibyte(at);
}

inline bool is_letter(CharClass kind) {
    return kind == CharClass::upper || kind == CharClass::lower || kind == CharClass::letter;
}

}  // namespace llmsnoop::tokens
