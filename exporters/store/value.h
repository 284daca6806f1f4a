#pragma once
// One value of a row: nothing (unknown), a whole number, a number, or a text.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace llmsnoop::exporters::store {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

inline bool is_unknown(const Value& value) {
    return std::holds_alternative<std::monostate>(value);
}

}  // namespace llmsnoop::exporters::store
