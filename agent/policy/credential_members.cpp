#include "agent/policy/credential_members.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/policy/char_class.h"
#include "agent/policy/credential_names.h"

namespace llmsnoop::policy {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::array<std::string_view, 3> kWholeNames{"token", "secret", "auth"};

bool is_lower(char byte) {
    return byte >= 'a' && byte <= 'z';
}
bool is_upper(char byte) {
    return byte >= 'A' && byte <= 'Z';
}

// As is_credential_header, where JSON has underscores or capital letters: client_secret, clientSecret.
bool is_credential_member(std::string_view name) {
    std::string dashed;
    for (const char byte : name) {
        if (is_upper(byte) && !dashed.empty() && is_lower(dashed.back())) dashed.push_back('-');
        dashed.push_back(byte == '_' ? '-' : byte);
    }
    return is_credential_header(dashed) ||
           std::find(kWholeNames.begin(), kWholeNames.end(), dashed) != kWholeNames.end();
}

// How many backslashes stand right before `at`.
std::size_t escapes_before(std::string_view text, std::size_t at) {
    std::size_t count = 0;
    while (count < at && text[at - 1 - count] == '\\')
        ++count;
    return count;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(kSpace, at), text.size());
}

// The name that ends with the quotation mark at `quote`, of which `escapes` backslashes are a part.
std::string_view name_before(std::string_view text, std::size_t quote, std::size_t escapes) {
    const std::size_t end = quote - escapes;
    std::size_t begin = end;
    while (begin > 0 && end - begin < kLongestCredentialName && is(text[begin - 1], kWord))
        --begin;
    return begin > 0 && text[begin - 1] == '"' ? text.substr(begin, end - begin) : std::string_view{};
}

// Where the string ends whose first byte is at `at`, between quotation marks with so many backslashes each: each level
// of strings within strings doubles those of the one above, and adds one.
std::size_t end_of_string(std::string_view text, std::size_t at, std::size_t escapes) {
    for (std::size_t quote = text.find('"', at); quote != std::string_view::npos; quote = text.find('"', quote + 1)) {
        const std::size_t here = std::min(escapes_before(text, quote), quote - at);
        if (here >= escapes && (here - escapes) % (2 * (escapes + 1)) == 0) return quote - escapes;
        if (here < escapes) return quote - here;  // of a level above: what was in it is over
    }
    return text.size();
}

}  // namespace

void mask_credential_members(std::string& text) {
    const std::string_view view = text;
    for (std::size_t quote = view.find('"'); quote != std::string_view::npos; quote = view.find('"', quote + 1)) {
        std::size_t at = skip_space(view, quote + 1);
        if (at == view.size() || view[at] != ':') continue;
        const std::size_t escapes = escapes_before(view, quote);
        if (!is_credential_member(name_before(view, quote, escapes))) continue;
        at = skip_space(view, at + 1) + escapes;
        if (at >= view.size() || view[at] != '"' || escapes_before(view, at) != escapes) continue;
        const std::size_t end = end_of_string(view, at + 1, escapes);
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(at + 1), text.begin() + static_cast<std::ptrdiff_t>(end),
                  '*');
        quote = end + (end < view.size() ? escapes : 0);
    }
}

}  // namespace llmsnoop::policy
