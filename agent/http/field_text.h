#pragma once
// The small grammar that header fields are made of (RFC 9110 section 5.6): tokens, lists, white space, case folding.
#include <string>
#include <string_view>

namespace llmsnoop::http {

bool is_token_char(char c);
bool is_token(std::string_view text);  // not empty, token characters only

std::string_view trim(std::string_view text);  // spaces and tabs at both ends
std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Takes the next element off a comma-separated list; false at its end. Empty elements are passed over
// (section 5.6.1.2).
bool next_element(std::string_view& list, std::string_view& element, char separator = ',');

// Does the list hold this element, whatever its case?
bool list_holds(std::string_view list, std::string_view element);

}  // namespace llmsnoop::http
