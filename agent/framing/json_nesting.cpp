#include "agent/framing/json_nesting.h"

#include <array>

namespace llmsnoop::framing {

namespace {

enum class Class : std::uint8_t { other, quote, open, close };

constexpr std::array<Class, 256> kClassOf = [] {
    std::array<Class, 256> table{};
    table['"'] = Class::quote;
    table['{'] = table['['] = Class::open;
    table['}'] = table[']'] = Class::close;
    return table;
}();

}  // namespace

std::size_t JsonNesting::follow(base::Bytes bytes) {
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* const end = at + bytes.size();
    while (at != end) {
        if (string_ == String::after_backslash) {
            string_ = String::inside;
            ++at;
            continue;
        }
        if (string_ == String::inside) {
            while (at != end && *at != '"' && *at != '\\')
                ++at;
            if (at == end) break;
            string_ = *at++ == '"' ? String::none : String::after_backslash;
        } else {
            while (at != end && kClassOf[*at] == Class::other)
                ++at;
            if (at == end) break;
            switch (kClassOf[*at++]) {
                case Class::quote:
                    string_ = String::inside;
                    break;
                case Class::open:
                    ++depth_;
                    break;
                case Class::close:
                    if (depth_ > 0) --depth_;
                    break;
                case Class::other:
                    break;
            }
        }
        if (done()) break;
    }
    return static_cast<std::size_t>(at - bytes.data());
}

}  // namespace llmsnoop::framing
