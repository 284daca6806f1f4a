#include "agent/tokens/model_match.h"

#include <algorithm>
#include <regex>
#include <utility>

namespace llmsnoop::tokens {

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return out;
}

namespace {

// libstdc++ reads the numbers of repetitions into a long, and lets it overflow.
bool holds_a_number_too_large(std::string_view expression) {
    constexpr std::size_t kDigits = 18;
    std::size_t run = 0;
    for (const char c : expression) {
        run = c >= '0' && c <= '9' ? run + 1 : 0;
        if (run > kDigits) return true;
    }
    return false;
}

}  // namespace

struct ModelMatch::Expression {
    std::regex compiled;

    bool found_in(const std::string& name) const {
        try {
            return std::regex_search(name, compiled);
        } catch (const std::regex_error&) {  // too complex for this name
            return false;
        }
    }
};

ModelName::ModelName(std::string_view name) : as_sent_(name.substr(0, kLongest)), lower_(lower_case(as_sent_)) {}

ModelMatch ModelMatch::text(Text kind, std::string_view pattern) {
    ModelMatch match;
    match.kind_ = static_cast<Kind>(kind);
    match.pattern_ = lower_case(pattern);
    return match;
}

ModelMatch ModelMatch::group(Group kind, std::vector<ModelMatch> members) {
    ModelMatch match;
    match.kind_ = kind == Group::any_of ? Kind::any_of : Kind::all_of;
    match.members_ = std::move(members);
    return match;
}

base::Result<ModelMatch> ModelMatch::regex(const std::string& expression) {
    ModelMatch match;
    match.kind_ = Kind::regex;
    if (holds_a_number_too_large(expression)) return base::error("not a regular expression");
    try {
        // Names come off the wire, so matching must not take exponential time: libstdc++ then walks all alternatives at
        // once (and refuses back-references).
        constexpr auto kSyntax = std::regex::ECMAScript | std::regex_constants::__polynomial;
        match.expression_ = std::make_shared<const Expression>(Expression{std::regex(expression, kSyntax)});
    } catch (const std::regex_error&) {
        return base::error("not a regular expression");
    }
    return match;
}

bool ModelMatch::matches(const ModelName& name) const {
    const std::string_view lower = name.lower();
    const auto one = [&](const ModelMatch& member) { return member.matches(name); };
    switch (kind_) {
        case Kind::equals:
            return lower == pattern_;
        case Kind::starts_with:
            return lower.starts_with(pattern_);
        case Kind::ends_with:
            return lower.ends_with(pattern_);
        case Kind::contains:
            return lower.find(pattern_) != std::string_view::npos;
        case Kind::any_of:
            return std::any_of(members_.begin(), members_.end(), one);
        case Kind::all_of:
            return std::all_of(members_.begin(), members_.end(), one);
        case Kind::regex:
            return expression_->found_in(name.as_sent());
    }
    return false;
}

}  // namespace llmsnoop::tokens
