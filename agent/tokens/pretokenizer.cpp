#include "agent/tokens/pretokenizer.h"

#include <bit>
#include <cstdint>

#include "agent/base/endian.h"
#include "agent/tokens/unicode_class.h"

// The patterns, as published with the encodings, each an ordered choice of seven:
//
//   cl100k_base  (?i:'s|'t|'re|'ve|'m|'ll|'d)
//                [^\r\n\p{L}\p{N}]?\p{L}+
//                \p{N}{1,3}
//                 ?[^\s\p{L}\p{N}]+[\r\n]*
//                \s*[\r\n]+      \s+(?!\S)      \s+
//
//   o200k_base
//   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//                [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//                \p{N}{1,3}
//                 ?[^\s\p{L}\p{N}]+[\r\n/]*
//                \s*[\r\n]+      \s+(?!\S)      \s+
//
// Newer releases of the reference write the end of cl100k_base as \s++$|\s*[\r\n]|\s+(?!\S)|\s. That keeps a newline
// and the blanks that end the text in one piece; since no token holds a newline before blanks, the tokens are the same.
namespace llmsnoop::tokens {

namespace {

using Kind = CharClass;

// Steps over ASCII lower-case letters, eight at a time: most of most texts.
const char* skip_ascii_lower(const char* at, const char* end) {
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    while (end - at >= 8) {
        const auto word = base::load_le<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(at));
        const std::uint64_t low7 = word & (kOnes * 0x7f);
        const std::uint64_t from_a = low7 + kOnes * (0x80 - 'a');
        const std::uint64_t past_z = low7 + kOnes * (0x80 - 'z' - 1);
        const std::uint64_t outside = ~(from_a & ~past_z & ~word) & (kOnes * 0x80);
        if (outside != 0) return at + std::countr_zero(outside) / 8;
        at += 8;
    }
    while (at < end && *at >= 'a' && *at <= 'z')
        ++at;
    return at;
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)?  U+017F is the one character that only case folding makes one of these letters.
const char* skip_contraction(const char* at, const char* end) {
    if (end - at < 2 || *at != '\'') return at;
    const auto lower = [at](unsigned i) { return static_cast<char>(at[i] | 0x20); };
    switch (lower(1)) {
        case 's':
        case 't':
        case 'm':
        case 'd':
            return at + 2;
        case 'r':
        case 'v':
            return end - at >= 3 && lower(2) == 'e' ? at + 3 : at;
        case 'l':
            return end - at >= 3 && lower(2) == 'l' ? at + 3 : at;
        default:
            return end - at >= 3 && at[1] == '\xc5' && at[2] == '\xbf' ? at + 3 : at;
    }
}

// \p{L}*
const char* skip_letters(const char* at, const char* end) {
    while (at < end) {
        at = skip_ascii_lower(at, end);
        if (at == end) break;
        const Glyph glyph = glyph_at(at);
        if (!is_letter(glyph.kind)) break;
        at += glyph.size;
    }
    return at;
}

bool is_word(Kind kind) {
    return is_letter(kind) || kind == Kind::mark;
}

// The first two choices of o200k_base after their optional first character; `at` is a letter or a mark.
//
// With U for upper case, L for lower case and B for what both sets hold: U and B are taken as far as they go. Where L
// follows, the first choice goes on over L and B. Otherwise it has to give back characters until its second set has
// one, so it ends behind the last B; only a run of U alone is left to the second choice, which takes all of it.
//
// A mark at `at` could also be the optional first character; both readings end at the same place.
const char* skip_cased_word(const char* at, const char* end) {
    const char* behind_both = nullptr;
    Kind kind = Kind::upper;
    while (at < end) {
        const Glyph glyph = glyph_at(at);
        kind = glyph.kind;
        if (kind == Kind::upper) {
            at += glyph.size;
        } else if (kind == Kind::letter || kind == Kind::mark) {
            at += glyph.size;
            behind_both = at;
        } else {
            break;
        }
    }
    if (at == end || kind != Kind::lower) return behind_both != nullptr ? behind_both : at;
    while (at < end) {
        at = skip_ascii_lower(at, end);
        if (at == end) break;
        const Glyph glyph = glyph_at(at);
        if (!is_word(glyph.kind) || glyph.kind == Kind::upper) break;
        at += glyph.size;
    }
    return at;
}

// \p{N}{1,3} from a number on.
const char* skip_number(const char* at, const char* end) {
    for (int digits = 0; digits < 3 && at < end; ++digits) {
        const Glyph glyph = glyph_at(at);
        if (glyph.kind != Kind::number) break;
        at += glyph.size;
    }
    return at;
}

// [^\s\p{L}\p{N}]* and then the line ends (and, in o200k_base, slashes) that follow.
template <Encoding kEncoding>
const char* skip_symbols(const char* at, const char* end) {
    while (at < end) {
        const Glyph glyph = glyph_at(at);
        if (glyph.kind != Kind::other && glyph.kind != Kind::mark) break;
        at += glyph.size;
    }
    while (at < end && (*at == '\n' || *at == '\r' || (kEncoding == Encoding::o200k_base && *at == '/')))
        ++at;
    return at;
}

// The last three choices: up to and with the last line end of the run; without one, all of a run that ends the text, or
// else all but its last character, which belongs to what follows.
const char* skip_spaces(const char* at, const char* end) {
    const char* const begin = at;
    const char* last = at;
    const char* behind_newline = nullptr;
    while (at < end) {
        const Glyph glyph = glyph_at(at);
        if (glyph.kind != Kind::space && glyph.kind != Kind::newline) break;
        last = at;
        at += glyph.size;
        if (glyph.kind == Kind::newline) behind_newline = at;
    }
    if (behind_newline != nullptr) return behind_newline;
    return at == end || last == begin ? at : last;
}

}  // namespace

template <>
const char* piece_end<Encoding::o200k_base>(const char* at, const char* end) {
    const Glyph first = glyph_at(at);
    if (is_word(first.kind)) return skip_contraction(skip_cased_word(at, end), end);
    if (first.kind == Kind::number) return skip_number(at, end);
    if (first.kind == Kind::newline) return skip_spaces(at, end);
    const char* const next = at + first.size;
    const Kind next_kind = next < end ? glyph_at(next).kind : Kind::newline;
    if (is_word(next_kind)) return skip_contraction(skip_cased_word(next, end), end);
    if (first.kind == Kind::other) return skip_symbols<Encoding::o200k_base>(next, end);
    if (*at == ' ' && next_kind == Kind::other) return skip_symbols<Encoding::o200k_base>(next, end);
    return skip_spaces(at, end);
}

template <>
const char* piece_end<Encoding::cl100k_base>(const char* at, const char* end) {
    const char* const contraction = skip_contraction(at, end);
    if (contraction != at) return contraction;
    const Glyph first = glyph_at(at);
    if (is_letter(first.kind)) return skip_letters(at, end);
    if (first.kind == Kind::number) return skip_number(at, end);
    if (first.kind == Kind::newline) return skip_spaces(at, end);
    const char* const next = at + first.size;
    const Kind next_kind = next < end ? glyph_at(next).kind : Kind::newline;
    if (is_letter(next_kind)) return skip_letters(next, end);
    if (first.kind != Kind::space) return skip_symbols<Encoding::cl100k_base>(next, end);
    if (*at == ' ' && (next_kind == Kind::other || next_kind == Kind::mark)) {
        return skip_symbols<Encoding::cl100k_base>(next, end);
    }
    return skip_spaces(at, end);
}

}  // namespace llmsnoop::tokens
