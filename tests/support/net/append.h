#pragma once
// Building text by appending: views as they are, integers in decimal. No locale and no temporary strings, because the
// test server renders thousands of stream events per millisecond budget with it.
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace llmsnoop::support {

inline void append_one(std::string& out, std::string_view text) {
    out.append(text);
}

template <std::integral Number>
void append_one(std::string& out, Number number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

template <typename... Parts>
void append(std::string& out, const Parts&... parts) {
    (append_one(out, parts), ...);
}

}  // namespace llmsnoop::support
