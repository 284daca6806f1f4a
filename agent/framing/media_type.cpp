#include "agent/framing/media_type.h"

#include <algorithm>

namespace llmsnoop::framing {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The end of what begins at `from` and ends with a ';' outside of quotes.
std::size_t end_of_part(std::string_view value, std::size_t from) {
    bool quoted = false;
    for (std::size_t at = from; at < value.size(); ++at) {
        if (value[at] == '"') quoted = !quoted;
        if (value[at] == '\\' && quoted) ++at;
        if (at < value.size() && value[at] == ';' && !quoted) return at;
    }
    return value.size();
}

std::string unquote(std::string_view text) {
    if (text.empty() || text.front() != '"') return std::string(text);
    std::string out;
    for (std::size_t at = 1; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        out.push_back(text[at]);
    }
    return out;
}

}  // namespace

bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
    return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                      [](char a, char b) { return lower(a) == b; });
}

std::string media_type(std::string_view value) {
    std::string out(trim(value.substr(0, value.find(';'))));
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

std::optional<std::string> parameter(std::string_view value, std::string_view name) {
    for (std::size_t at = end_of_part(value, 0); at < value.size();) {
        const std::size_t end = end_of_part(value, at + 1);
        const std::string_view part = value.substr(at + 1, end - at - 1);
        at = end;
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos || !equals_ignoring_case(trim(part.substr(0, equals)), name)) continue;
        return unquote(trim(part.substr(equals + 1)));
    }
    return std::nullopt;
}

}  // namespace llmsnoop::framing
