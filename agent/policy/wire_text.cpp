#include "agent/policy/wire_text.h"

#include <algorithm>

#include "agent/base/utf8.h"

namespace llmsnoop::policy {

namespace {

bool is_plain_ascii(char byte) {
    return byte >= 0x20 && byte < 0x7F;
}

bool is_unwanted(char32_t value, TextKind kind) {
    if (value < 0x20) return kind == TextKind::name || (value != '\n' && value != '\t' && value != '\r');
    if (value >= 0x7F && value < 0xA0) return true;
    if (kind == TextKind::prose) return false;
    const bool separator = value == 0x2028 || value == 0x2029;
    const bool bidi = value == 0x061C || value == 0x200E || value == 0x200F || (value >= 0x202A && value <= 0x202E) ||
                      (value >= 0x2066 && value <= 0x2069);
    return separator || bidi;
}

}  // namespace

void clean(std::string& text, TextKind kind) {
    const auto first = std::find_if_not(text.begin(), text.end(), is_plain_ascii);
    if (first == text.end()) return;

    auto write = static_cast<std::size_t>(first - text.begin());
    std::size_t read = write;
    while (read < text.size()) {
        const base::CodePoint point = base::decode_utf8(std::string_view(text).substr(read));
        if (point.valid && !is_unwanted(point.value, kind)) {
            for (std::size_t i = 0; i < point.length; ++i)
                text[write++] = text[read + i];
        }
        read += point.length;
    }
    text.resize(write);
}

bool cut(std::string& text, std::size_t limit) {
    if (text.size() <= limit) return false;
    text.resize(base::utf8_prefix(text, limit).size());
    return true;
}

std::string without_query_values(std::string_view target) {
    std::string out;
    const std::size_t scheme = target.find("://");
    if (scheme != std::string_view::npos && scheme < target.find_first_of("/?#")) {
        // Absolute form (RFC 9112 section 3.2.2), as sent to proxies.
        const std::size_t authority = scheme + 3;
        const std::size_t end = std::min(target.find_first_of("/?#", authority), target.size());
        out.append(target.substr(0, authority));
        out.append(without_user_info(target.substr(authority, end - authority)));
        target.remove_prefix(end);
    }
    const std::size_t query = std::min(target.find_first_of("?#"), target.size());
    out.append(target.substr(0, query));
    if (query == target.size() || target[query] == '#') return out;
    out.push_back('?');
    std::string_view rest = target.substr(query + 1);
    rest = rest.substr(0, rest.find('#'));
    const std::size_t begin = out.size();
    while (!rest.empty()) {
        const std::string_view parameter = rest.substr(0, rest.find('&'));
        const std::size_t equals = parameter.find('=');
        if (equals != std::string_view::npos) {
            if (out.size() > begin) out.push_back('&');
            out.append(parameter.substr(0, equals + 1));
        }
        rest.remove_prefix(std::min(parameter.size() + 1, rest.size()));
    }
    return out;
}

std::string_view without_user_info(std::string_view authority) {
    const std::size_t at = authority.rfind('@');
    return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

}  // namespace llmsnoop::policy
