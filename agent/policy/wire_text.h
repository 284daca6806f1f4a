#pragma once
// Makes text that came from the wire fit to be shown, stored and used as a label.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmsnoop::policy {

enum class TextKind : std::uint8_t {
    name,   // one line: no control characters at all, nothing that turns the direction of writing
    prose,  // line breaks and tabs stay
};

// Removes ill-formed UTF-8, control characters (C0, DEL, C1) and, from names, line separators and the controls of
// bidirectional writing, with which a terminal could be made to show something else.
void clean(std::string& text, TextKind kind);

// Cuts to at most `limit` bytes between two characters; says whether anything was cut.
bool cut(std::string& text, std::size_t limit);

// Path and query as they may leave: "/v1/x?key=secret&alt=sse" becomes "/v1/x?key=&alt=". A parameter without "=" is
// all value and goes. The user information of an absolute target goes too.
std::string without_query_values(std::string_view target);

// "user:password@host:443" becomes "host:443" (RFC 3986 section 3.2.1).
std::string_view without_user_info(std::string_view authority);

}  // namespace llmsnoop::policy
