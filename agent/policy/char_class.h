#pragma once
// Classes of ASCII characters of which keys, names and tokens are made; one table lookup each.
#include <array>
#include <cstddef>
#include <cstdint>

namespace llmsnoop::policy {

// Bits of `class_of`.
enum CharClass : std::uint8_t {
    kWord = 1,     // A-Z a-z 0-9 _ -
    kAlnum = 2,    // A-Z a-z 0-9
    kBase64 = 4,   // A-Z a-z 0-9 + /
    kHex = 8,      // 0-9 a-f
    kBase32 = 16,  // A-Z 2-7
    kDigit = 32,   // 0-9
    kKey = 64,     // kWord or kBase64: whatever a key is made of
};

inline constexpr std::array<std::uint8_t, 256> kCharClasses = [] {
    std::array<std::uint8_t, 256> classes{};
    for (int byte = 0; byte < 256; ++byte) {
        const bool upper = byte >= 'A' && byte <= 'Z';
        const bool lower = byte >= 'a' && byte <= 'z';
        const bool digit = byte >= '0' && byte <= '9';
        const bool alnum = upper || lower || digit;
        std::uint8_t bits = 0;
        if (alnum || byte == '_' || byte == '-') bits |= kWord;
        if (alnum) bits |= kAlnum;
        if (alnum || byte == '+' || byte == '/') bits |= kBase64;
        if (digit || (byte >= 'a' && byte <= 'f')) bits |= kHex;
        if (upper || (byte >= '2' && byte <= '7')) bits |= kBase32;
        if (digit) bits |= kDigit;
        if ((bits & (kWord | kBase64)) != 0) bits |= kKey;
        classes[static_cast<std::size_t>(byte)] = bits;
    }
    return classes;
}();

inline bool is(char byte, CharClass wanted) {
    return (kCharClasses[static_cast<std::uint8_t>(byte)] & wanted) != 0;
}

// Length of the run of that class at the head of `text`.
template <typename Text>
std::size_t run_length(Text text, CharClass wanted) {
    std::size_t length = 0;
    while (length < text.size() && is(text[length], wanted))
        ++length;
    return length;
}

}  // namespace llmsnoop::policy
