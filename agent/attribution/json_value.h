#pragma once
// Reading of JSON that runtimes and API servers write, without exceptions: what is absent, of another type or too long
// is empty. nlohmann's parser keeps its stack on the heap, so that nesting is bounded by the size of the text.
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/function_ref.h"

namespace llmsnoop::attribution {

// Nothing if it is longer than `limit` or no JSON.
std::optional<nlohmann::json> parse_json(std::string_view text, std::size_t limit);

// An object of which only the members are kept whose name is wanted. Nothing if it is no object.
std::optional<nlohmann::json> parse_members(std::string_view text, std::size_t limit,
                                            base::FunctionRef<bool(std::string_view)> is_wanted);

// The member, or null.
const nlohmann::json& member_of(const nlohmann::json& object, const char* key);

// The text of at most `limit` bytes, well-formed UTF-8 by the parser's doing, or nothing.
std::string text_of(const nlohmann::json& value, std::size_t limit);
std::string text_at(const nlohmann::json& object, const char* key, std::size_t limit);

}  // namespace llmsnoop::attribution
