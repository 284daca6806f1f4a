#pragma once
// The form in which OpenAI's models are shown the tools of a request: not the JSON that was sent, but one type
// signature per function, with the descriptions as comments:
//
//     namespace functions {
//
//     // Get the weather
//     type get_weather = (_: {
//     // City and country
//     location: string,
//     unit?: "celsius" | "fahrenheit",
//     }) => any;
//
//     } // namespace functions
//
// The format is not published; it has been inferred from token counts, and comes within a token or two for most tools.
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::tokens {

// The signatures for a JSON list of tools, in any of the OpenAI dialects. Nothing if this is no list of tools or if it,
// or what it expands to (schemas may refer to others), is out of all proportion.
std::optional<std::string> tool_signatures(std::string_view json);

}  // namespace llmsnoop::tokens
