#pragma once
// What a credential looks like: a prefix that its issuer chose, followed by a run of characters of one class.
//
// A further kind of key is one line in secret_rules.cpp. Keys without a prefix of their own (Azure, Mistral, Cohere)
// cannot be told from other text; they are known by the header they travel in (credential_mask.h).
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "agent/policy/char_class.h"

namespace llmsnoop::policy {

// Characters of the body that decide whether it is one; the rest of the run is only taken along.
inline constexpr std::size_t kJudgedBy = 64;

struct SecretRule {
    std::string_view name;      // as it stands in findings
    std::string_view severity;  // high: it opens something by itself; medium: one half of a credential, or less sure
    std::string_view prefix;
    CharClass body;
    std::size_t min;            // characters of the body, at least
    std::size_t max = 0;        // and at most: a longer word is something else. 0: no upper bound
    bool needs_digit = false;   // kebab-case words have none
    std::string_view marker{};  // stands in the body ...
    std::size_t marker_at = 0;  // ... at this place
};

// The rules whose prefix begins with that byte, the more specific ones first.
std::span<const SecretRule> rules_beginning_with(char byte);

// 32 hexadecimal digits, a dot, 16 letters or digits (Zhipu, Z.AI): the one form without a prefix. `body` is the part
// after the dot, which is the secret one.
const SecretRule& dotted_hex_rule();

// No secret of any rule is shorter than this, and all of its first bytes after a dot are of class kKey.
inline constexpr std::size_t kShortestSecret = 20;

}  // namespace llmsnoop::policy
