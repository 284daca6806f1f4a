#pragma once
// The value of a Content-Type or Content-Disposition header: a token and parameters (RFC 9110 sections 5.6.6
// and 8.3.1).
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::framing {

// What stands before the first parameter, in lower case.
std::string media_type(std::string_view value);

// The parameter of that (lower-case) name, without the quotes and backslashes of a quoted string.
std::optional<std::string> parameter(std::string_view value, std::string_view name);

bool equals_ignoring_case(std::string_view text, std::string_view lower_case);

}  // namespace llmsnoop::framing
