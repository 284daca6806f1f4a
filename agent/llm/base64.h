#pragma once
// Base64 (RFC 4648 section 4) as it stands in JSON strings.
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::llm {

// Nothing if there is a character that does not belong there. Padding may be missing.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace llmsnoop::llm
