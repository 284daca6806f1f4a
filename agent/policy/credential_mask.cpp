#include "agent/policy/credential_mask.h"

#include <algorithm>
#include <cstring>

#include "agent/base/bytes.h"
#include "agent/policy/credential_names.h"
#include "agent/policy/secret_scan.h"

namespace llmsnoop::policy {

namespace {

constexpr char kMask = '*';

// Context that is carried over a cut: the longest name or key prefix with kCutSecret characters of the key fits into a
// run of that length, and an escape or delimiter into the bytes before it. Those are kept without a run as well: one
// may begin with the next byte.
constexpr std::size_t kRunKept = 90;
constexpr std::size_t kBeforeRun = 6;

// There is an object for each direction of each connection: none keeps a large buffer.
constexpr std::size_t kCapacityKept = 1024;

std::size_t find(std::string_view text, char wanted, std::size_t from) {
    if (from >= text.size()) return std::string_view::npos;
    const void* at = std::memchr(text.data() + from, wanted, text.size() - from);
    return at == nullptr ? std::string_view::npos
                         : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

// What a URL writes unescaped in a value, less the delimiters of prose and JSON around it.
bool is_value_byte(char byte) {
    return is(byte, kWord) || byte == '.' || byte == '~' || byte == '%' || byte == '+' || byte == '/' || byte == '=' ||
           byte == ':';
}

bool is_dotted_key_byte(char byte) {
    return is(byte, kKey) || byte == '.';
}

// What names, keys and the escapes before them are made of.
bool is_context_byte(char byte) {
    return is_dotted_key_byte(byte) || byte == '\\' || byte == '%';
}

// How many bytes at the head of `text` are of that kind.
template <typename Kind>
std::size_t leading(std::string_view text, Kind kind) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), kind) - text.begin());
}

// Of what stands before a parameter, as it is or escaped: for JSON, where Go does that by default, and for HTML.
std::size_t separator_length(std::string_view text) {
    for (const std::string_view escaped : {"\\u0026", "&amp;"}) {
        if (text.starts_with(escaped)) return escaped.size();
    }
    return text.starts_with('\\') ? 0 : 1;
}

}  // namespace

void CredentialMask::mask(std::span<std::uint8_t> bytes) {
    if (inside_ != Inside::nothing) {
        bytes = bytes.subspan(finish_value(bytes));
        if (bytes.empty()) return;
        inside_ = Inside::nothing;
        line_start_ = false;
        context_cut_ = true;
    }
    if (bytes.empty()) return;

    std::string_view text = base::as_text(bytes);
    if (!context_.empty()) {
        joined_.assign(context_).append(text);
        text = joined_;
    }
    const std::size_t before = text.size() - bytes.size();
    ranges_.clear();
    find_keys(text);
    find_parameters(text);
    find_headers(text);
    remember(text);
    mask_found(bytes, before);
    if (joined_.capacity() > kCapacityKept) std::string().swap(joined_);
}

// `before`: bytes of the text in which they were found that are not among `bytes`.
void CredentialMask::mask_found(std::span<std::uint8_t> bytes, std::size_t before) const {
    for (const Range& range : ranges_) {
        for (std::size_t at = std::max(range.begin, before); at < range.end; ++at) {
            std::uint8_t& byte = bytes[at - before];
            if (byte != '\r') byte = kMask;  // it may belong to the end of the line
        }
    }
}

void CredentialMask::skip() {
    context_.clear();
    line_start_ = true;  // it may, and then a field begins here
}

// Masks the rest of what the last call was in the middle of, and says how many bytes that was. Its end becomes context.
std::size_t CredentialMask::finish_value(std::span<std::uint8_t> bytes) {
    const std::string_view text = base::as_text(bytes);
    std::size_t end = 0;
    switch (inside_) {
        case Inside::nothing:
            return 0;
        case Inside::header_value:
            end = std::min(text.find('\n'), text.size());
            break;
        case Inside::parameter_value:
            end = leading(text, is_value_byte);
            break;
        case Inside::key:
            // More than the rule's own class: which rule it is may be decided only by what follows the cut.
            end = leading(text, is_dotted_key_byte);
            break;
    }
    context_.append(text.substr(end - std::min(end, kBeforeRun), std::min(end, kBeforeRun)));
    keep_end_of_value(context_);
    for (std::uint8_t& byte : bytes.first(end)) {
        if (byte != '\r') byte = kMask;
    }
    return end;
}

void CredentialMask::find_keys(std::string_view text) {
    std::size_t from = context_cut_ && !context_.empty() ? 1 : 0;
    while (const auto match = find_secret(text, from, TextEnd::open)) {
        add(match->begin, match->end);
        from = match->end;
        if (match->end == text.size()) inside_ = Inside::key;
    }
}

void CredentialMask::find_parameters(std::string_view text) {
    for (const char mark : {'?', '&', '\\'}) {
        for (std::size_t at = find(text, mark, 0); at != std::string_view::npos; at = find(text, mark, at + 1)) {
            const std::size_t before = separator_length(text.substr(at));
            if (before == 0) continue;
            const std::string_view rest = text.substr(at + before);
            const std::size_t name = run_length(rest.substr(0, kLongestCredentialName), kWord);
            if (name == rest.size() || rest[name] != '=' || !is_credential_parameter(rest.substr(0, name))) continue;
            const std::string_view value = rest.substr(name + 1);
            const std::size_t begin = at + before + name + 1;
            const std::size_t length = leading(value, is_value_byte);
            add(begin, begin + length);
            if (length == value.size()) inside_ = Inside::parameter_value;
        }
    }
}

void CredentialMask::find_headers(std::string_view text) {
    std::size_t line = 0;
    if (!line_start_) {
        const std::size_t feed = find(text, '\n', 0);
        line = feed == std::string_view::npos ? text.size() : feed + 1;
    }
    while (line < text.size()) {
        const std::string_view rest = text.substr(line);
        const std::size_t feed = find(text, '\n', line);
        const std::size_t line_end = std::min(feed, text.size());
        const std::size_t name = run_length(rest.substr(0, kLongestCredentialName), kWord);
        if (name < rest.size() && rest[name] == ':' && is_credential_header(rest.substr(0, name))) {
            std::size_t value = line + name + 1;
            while (value < line_end && (text[value] == ' ' || text[value] == '\t'))
                ++value;
            add(value, line_end);
            if (feed == std::string_view::npos) inside_ = Inside::header_value;
        }
        line = line_end + 1;
    }
}

// "https://user:password@host/" (RFC 3986 section 3.2.1).
void CredentialMask::find_user_info(std::string_view text) {
    constexpr std::string_view kScheme = "://";
    constexpr std::size_t kLongest = 1024;
    for (std::size_t at = text.find(kScheme); at != std::string_view::npos; at = text.find(kScheme, at)) {
        at += kScheme.size();
        const std::string_view rest = text.substr(at, kLongest);
        const std::size_t end = rest.substr(0, rest.find_first_of("/?#\"'\\<> \t\r\n")).rfind('@');
        if (end != std::string_view::npos) add(at, at + end);
    }
}

// Keeps what a later call may need in order to know what it is in the middle of.
void CredentialMask::remember(std::string_view text) {
    if (inside_ != Inside::nothing) return keep_end_of_value(text);
    std::size_t run = 0;
    while (run < std::min(text.size(), kRunKept) && is_context_byte(text[text.size() - 1 - run]))
        ++run;
    const std::size_t keep = std::min(run + kBeforeRun, text.size());
    if (keep < text.size()) line_start_ = text[text.size() - keep - 1] == '\n';
    context_cut_ = run == kRunKept;
    context_.assign(text.substr(text.size() - keep));
}

// An escape may end right behind the value.
void CredentialMask::keep_end_of_value(std::string_view text) {
    context_ = std::string(text.substr(text.size() - std::min(text.size(), kBeforeRun)));
}

void mask_credentials(std::span<std::uint8_t> bytes) {
    CredentialMask().mask(bytes);
}

void mask_named_credentials(std::span<std::uint8_t> bytes) {
    CredentialMask mask;
    mask.find_parameters(base::as_text(bytes));
    mask.find_headers(base::as_text(bytes));
    mask.find_user_info(base::as_text(bytes));
    mask.mask_found(bytes, 0);
}

}  // namespace llmsnoop::policy
