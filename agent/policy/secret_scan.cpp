#include "agent/policy/secret_scan.h"

#include <algorithm>

#include "agent/policy/key_runs.h"

namespace llmsnoop::policy {

namespace {

constexpr std::size_t kDottedHexHead = 32;
constexpr std::size_t kDottedHexTail = 16;
constexpr std::size_t kLongestEscape = 6;
bool has_digit(std::string_view body) {
    return std::any_of(body.begin(), body.end(), [](char byte) { return is(byte, kDigit); });
}

// Reads a constant number of bytes unless it succeeds, so that candidates may stand close together.
std::optional<SecretMatch> match_rule(std::string_view text, std::size_t at, const SecretRule& rule, TextEnd end) {
    if (text.substr(at, rule.prefix.size()) != rule.prefix) return std::nullopt;
    const std::size_t begin = at + rule.prefix.size();
    const std::string_view body = text.substr(begin, run_length(text.substr(begin, kJudgedBy), rule.body));
    const std::size_t body_end = begin + body.size();

    const bool cut = end == TextEnd::open && body_end == text.size();
    if (body.size() < (cut ? kCutSecret : rule.min)) return std::nullopt;
    if (rule.max != 0 && body.size() > rule.max) return std::nullopt;
    if (rule.max != 0 && body_end < text.size() && is(text[body_end], kAlnum)) return std::nullopt;
    if (rule.needs_digit && !cut && !has_digit(body)) return std::nullopt;
    if (!rule.marker.empty() && !cut && body.substr(rule.marker_at, rule.marker.size()) != rule.marker) {
        return std::nullopt;
    }
    // To the end of the word: what remained of it would begin one once this is masked, and might look like another key.
    const std::size_t key_end = body_end + run_length(text.substr(body_end), rule.body);
    return SecretMatch{at, key_end + run_length(text.substr(key_end), kAlnum), &rule};
}

std::optional<SecretMatch> match_dotted_hex(std::string_view text, std::size_t at, TextEnd end) {
    const std::string_view head = text.substr(at, kDottedHexHead);
    const std::size_t tail_at = at + kDottedHexHead + 1;
    if (tail_at > text.size() || text[tail_at - 1] != '.') return std::nullopt;
    if (run_length(head, kHex) != kDottedHexHead) return std::nullopt;
    const std::size_t tail = run_length(text.substr(tail_at, kDottedHexTail + 1), kAlnum);
    const bool cut = end == TextEnd::open && tail_at + tail == text.size();
    if (cut ? tail < kCutSecret || tail > kDottedHexTail : tail != kDottedHexTail) return std::nullopt;
    return SecretMatch{at, tail_at + tail, &dotted_hex_rule()};
}

std::optional<SecretMatch> match_at(std::string_view text, std::size_t at, TextEnd end) {
    for (const SecretRule& rule : rules_beginning_with(text[at])) {
        if (const auto match = match_rule(text, at, rule, end)) return match;
    }
    if (is(text[at], kHex)) return match_dotted_hex(text, at, end);
    return std::nullopt;
}

// Does an escape end right before `at`: `\n` or `\u0020` (RFC 8259 section 7), `%20` (RFC 3986 section 2.1)?
bool ends_escape(std::string_view text, std::size_t at) {
    return (at >= 2 && text[at - 2] == '\\') || (at >= 3 && text[at - 3] == '%') ||
           (at >= kLongestEscape && text[at - 6] == '\\' && text[at - 5] == 'u');
}

// A key begins where a word does: "task-" holds no "sk-".
bool begins_word(std::string_view text, std::size_t at) {
    return at == 0 || !is(text[at - 1], kAlnum) || ends_escape(text, at);
}

// `word` to `word_end` is a whole word, or the part of one from `from` on.
std::optional<SecretMatch> match_in_word(std::string_view text, std::size_t word, std::size_t word_end,
                                         std::size_t from, TextEnd end) {
    static constexpr std::string_view kBeforeDot = "ya29.";
    if (word >= from + kBeforeDot.size()) {
        const std::size_t at = word - kBeforeDot.size();
        if (text.substr(at, kBeforeDot.size()) == kBeforeDot && begins_word(text, at)) {
            if (const auto match = match_at(text, at, end)) return match;
        }
    }
    const std::size_t head_end = std::min(word + kLongestEscape, word_end);
    for (std::size_t at = word; at < head_end; ++at) {
        if (!begins_word(text, at)) continue;
        if (const auto match = match_at(text, at, end)) return match;
    }
    for (std::size_t at = head_end; at < word_end; ++at) {
        if (is(text[at - 1], kAlnum)) continue;
        if (const auto match = match_at(text, at, end)) return match;
    }
    return std::nullopt;
}

}  // namespace

std::optional<SecretMatch> find_secret(std::string_view text, std::size_t from, TextEnd end) {
    std::size_t at = from;  // everything before has been seen to hold no key
    while (const auto run = next_key_run(text, at)) {
        if (const auto match = match_in_word(text, run->begin, run->end, from, end)) return match;
        at = run->end;
    }
    if (end == TextEnd::final || at >= text.size()) return std::nullopt;

    std::size_t word = text.size();
    while (word > at && is(text[word - 1], kKey))
        --word;
    return word < text.size() ? match_in_word(text, word, text.size(), from, end) : std::nullopt;
}

}  // namespace llmsnoop::policy
