#pragma once
// Makes any bytes valid UTF-8 in the way of the WHATWG decoder: each maximal part of a sequence that cannot be
// completed becomes one U+FFFD (Encoding Standard, "UTF-8 decoder"; Unicode 16.0, 3.9.6).
#include <string>
#include <string_view>

namespace llmsnoop::tokens {

// The text itself where it is valid, otherwise a repaired copy that lives in `storage`.
std::string_view valid_utf8(std::string_view text, std::string& storage);

}  // namespace llmsnoop::tokens
