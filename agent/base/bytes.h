#pragma once
// The one way payload bytes are passed around: a borrowed, read-only view.
//
// `Bytes` is deliberately not a string_view: it has no formatter, so neither fmt nor the log macros accept it (see
// log.h), and payload cannot slip into a message by accident. Code that must look at text says so with `as_text`.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace llmsnoop::base {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace llmsnoop::base
