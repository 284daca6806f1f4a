#pragma once
// UTF-8 (RFC 3629), one sequence at a time, for text that nobody has checked.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmsnoop::base {

struct CodePoint {
    char32_t value = 0;
    std::uint8_t length = 0;  // bytes that belong to it
    bool valid = false;       // false: skip `length` bytes (the maximal ill-formed part, Unicode section 3.9)
};

// The sequence at the head of `text`, which must not be empty. Overlong forms, surrogates and values past U+10FFFF are
// ill-formed.
CodePoint decode_utf8(std::string_view text);

// The longest prefix of at most `limit` bytes that does not end inside a sequence.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

}  // namespace llmsnoop::base
