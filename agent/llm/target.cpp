#include "agent/llm/target.h"

namespace llmsnoop::llm {
namespace {

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

Target::Target(std::string_view target) {
    target = target.substr(0, target.find('#'));
    const std::size_t question = target.find('?');
    path_ = target.substr(0, question);
    if (question != std::string_view::npos) query_ = target.substr(question + 1);
    if (const std::size_t scheme = path_.find("://"); scheme <= 5) {  // absolute-form
        const std::size_t slash = path_.find('/', scheme + 3);
        path_ = slash == std::string_view::npos ? std::string_view{} : path_.substr(slash);
    }
    std::string_view rest = path_;
    while (!rest.empty() && rest.back() == '/')
        rest.remove_suffix(1);
    while (!rest.empty() && count_ < kSegments) {
        const std::size_t slash = rest.rfind('/');
        if (slash == std::string_view::npos) {
            segments_[count_++] = rest;
            rest = {};
        } else {
            if (slash + 1 < rest.size()) segments_[count_++] = rest.substr(slash + 1);
            rest = rest.substr(0, slash);
        }
    }
    all_ = rest.empty();
}

bool Target::ends_in(std::string_view pattern) const {
    std::size_t index = 0;
    while (true) {
        const std::size_t slash = pattern.rfind('/');
        const std::string_view want = slash == std::string_view::npos ? pattern : pattern.substr(slash + 1);
        if (index >= count_) return false;
        const std::string_view have = segments_[index++];
        if (want.size() > 1 && want[0] == '*') {
            const std::string plain = percent_decode(have);  // some clients escape the colon
            if (plain.size() < want.size() || !plain.ends_with(want.substr(1))) return false;
        } else if (want != "*" && want != have) {
            return false;
        }
        if (slash == std::string_view::npos) return true;
        pattern = pattern.substr(0, slash);
    }
}

std::string Target::segment(std::size_t from_end) const {
    return from_end < count_ ? percent_decode(segments_[from_end]) : std::string{};
}

std::string Target::before_verb() const {
    if (count_ == 0) return {};
    const std::string last = percent_decode(segments_[0]);
    return last.substr(0, last.rfind(':'));
}

std::string Target::after(std::string_view before) const {
    const std::size_t at = path_.rfind(before);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = path_.substr(at + before.size());
    return percent_decode(rest.substr(0, rest.find_first_of("/:")));
}

std::optional<std::string> Target::parameter(std::string_view name) const {
    std::string_view rest = query_;
    while (!rest.empty()) {
        const std::size_t ampersand = rest.find('&');
        const std::string_view pair = rest.substr(0, ampersand);
        const std::size_t equals = pair.find('=');
        if (pair.substr(0, equals) == name) {
            return equals == std::string_view::npos ? std::string{} : percent_decode(pair.substr(equals + 1));
        }
        if (ampersand == std::string_view::npos) break;
        rest = rest.substr(ampersand + 1);
    }
    return std::nullopt;
}

}  // namespace llmsnoop::llm
