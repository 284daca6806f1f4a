#include "agent/http/start_line.h"

#include <algorithm>
#include <array>

#include "agent/http/field_text.h"

namespace llmsnoop::http {
namespace {

constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::size_t kLongestMethod = 32;
constexpr std::array<std::string_view, 9> kMethods{"POST",    "GET",     "PUT",   "DELETE", "PATCH",
                                                   "OPTIONS", "CONNECT", "TRACE", "HEAD"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_version(std::string_view text) {
    return text.size() == kVersion.size() + 1 && text.starts_with(kVersion) && is_digit(text.back());
}

std::optional<FoundStartLine> find_status_line(std::string_view line) {
    // The last one: a body may quote a status line, but no reason phrase holds another one.
    const auto at = line.rfind(kVersion);
    if (at == std::string_view::npos || !parse_status_line(line.substr(at))) return std::nullopt;
    return FoundStartLine{at, MessageKind::response};
}

std::optional<FoundStartLine> find_request_line(std::string_view line) {
    const auto version = line.rfind(' ');
    if (version == std::string_view::npos || !is_version(line.substr(version + 1))) return std::nullopt;
    const std::string_view before = line.substr(0, version);
    const auto space = before.rfind(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const std::string_view target = before.substr(space + 1);
    if (target.empty() || std::any_of(target.begin(), target.end(), is_control)) return std::nullopt;

    const std::string_view method = before.substr(0, space);
    for (const std::string_view known : kMethods) {
        if (method.ends_with(known)) return FoundStartLine{method.size() - known.size(), MessageKind::request};
    }
    if (method.size() > kLongestMethod || !is_token(method)) return std::nullopt;
    return FoundStartLine{0, MessageKind::request};
}

bool may_begin_request(std::string_view bytes) {
    const auto end = std::find_if_not(bytes.begin(), bytes.end(), is_token_char);
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    if (length > kLongestMethod) return false;
    return end == bytes.end() || (length > 0 && *end == ' ');
}

bool may_begin_response(std::string_view bytes) {
    return bytes.substr(0, kVersion.size()) == kVersion.substr(0, bytes.size());
}

}  // namespace

std::optional<RequestLine> parse_request_line(std::string_view line) {
    line = trim(line);
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return std::nullopt;
    const RequestLine parsed{line.substr(0, first), trim(line.substr(first, last - first))};
    if (!is_token(parsed.method) || parsed.method.size() > kLongestMethod || parsed.target.empty()) return std::nullopt;
    if (!is_version(line.substr(last + 1))) return std::nullopt;
    return parsed;
}

std::optional<int> parse_status_line(std::string_view line) {
    // The reason phrase may be absent, and with it, in practice, the space before it.
    if (line.size() < 12 || !is_version(line.substr(0, 8)) || line[8] != ' ') return std::nullopt;
    if (!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) || line[9] == '0') return std::nullopt;
    if (line.size() > 12 && line[12] != ' ') return std::nullopt;
    return (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
}

bool may_begin_message(std::string_view bytes, Expected expected) {
    switch (expected) {
        case Expected::request:
            return may_begin_request(bytes);
        case Expected::response:
            return may_begin_response(bytes);
        case Expected::either:
            return may_begin_request(bytes) || may_begin_response(bytes);
    }
    return false;
}

std::optional<FoundStartLine> find_start_line(std::string_view line, Expected expected) {
    std::optional<FoundStartLine> found;
    if (expected != Expected::request) found = find_status_line(line);
    if (!found && expected != Expected::response) found = find_request_line(line);
    return found;
}

}  // namespace llmsnoop::http
