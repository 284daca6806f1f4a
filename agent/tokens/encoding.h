#pragma once
// The byte-pair encodings that are known exactly.
#include <cstdint>
#include <string_view>

namespace llmsnoop::tokens {

enum class Encoding : std::uint8_t {
    o200k_base,   // gpt-4o and later, and the text of o200k_harmony (gpt-oss), which differs only in special tokens
    cl100k_base,  // gpt-4, gpt-3.5, text-embedding-3
};
std::string_view name_of(Encoding value);

}  // namespace llmsnoop::tokens
