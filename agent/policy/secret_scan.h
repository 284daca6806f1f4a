#pragma once
// Finds credentials in text, by the rules of secret_rules.h. Pure; linear in the length of the text, whatever it holds.
//
// A credential is a word of at least kShortestSecret characters, so most text is passed over by looking at every
// twentieth byte; only longer words are read in full.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/policy/secret_rules.h"

namespace llmsnoop::policy {

struct SecretMatch {
    std::size_t begin = 0;
    std::size_t end = 0;
    const SecretRule* rule = nullptr;
};

// Whether more text may follow. If so, a key that the end of the text cuts off is reported from kCutSecret characters
// of its body on; it reaches to the end then, and the rest of it begins the text that follows.
enum class TextEnd : std::uint8_t { final, open };
inline constexpr std::size_t kCutSecret = 8;

// The first credential that begins at `from` or later. What stands before `from` counts as context only.
std::optional<SecretMatch> find_secret(std::string_view text, std::size_t from = 0, TextEnd end = TextEnd::final);

}  // namespace llmsnoop::policy
