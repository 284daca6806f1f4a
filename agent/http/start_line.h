#pragma once
// The first line of an HTTP/1 message (RFC 9112 sections 3 and 4): parsed where it must stand, and found where it may
// stand.
#include <cstdint>
#include <optional>
#include <string_view>

namespace llmsnoop::http {

enum class MessageKind : std::uint8_t { request, response };

// Which messages may begin here; both, as long as it is not known which direction carries requests.
enum class Expected : std::uint8_t { request, response, either };

struct RequestLine {
    std::string_view method;
    std::string_view target;
};

// `line` comes without its line end. The version must be HTTP/1.x; everything else is taken as leniently as servers do.
std::optional<RequestLine> parse_request_line(std::string_view line);
std::optional<int> parse_status_line(std::string_view line);  // the status, 100 to 999

// Can a message begin with these bytes (the first ones of it, at least one, perhaps only a few)?
bool may_begin_message(std::string_view bytes, Expected expected);

// Looks for a start line that ends where `line` ends, but may begin anywhere in it: the body before it need not have
// ended with a line end. Stricter than parsing; methods that are not well known are found at the start of the line
// only.
struct FoundStartLine {
    std::size_t at = 0;
    MessageKind kind = MessageKind::request;
};
std::optional<FoundStartLine> find_start_line(std::string_view line, Expected expected);

}  // namespace llmsnoop::http
