#pragma once
// Finds the few words of a text that are long enough to be a key. Stateless.
#include <cstddef>
#include <optional>
#include <string_view>

namespace llmsnoop::policy {

// Bytes [begin, end) of a text.
struct KeyRun {
    std::size_t begin = 0;
    std::size_t end = 0;

    friend bool operator==(const KeyRun&, const KeyRun&) = default;
};

// The first run of at least kShortestSecret bytes of class kKey that begins at `from` or later, as far as it goes; what
// lies before `from` is not looked at. Nothing if there is none.
std::optional<KeyRun> next_key_run(std::string_view text, std::size_t from);

}  // namespace llmsnoop::policy
