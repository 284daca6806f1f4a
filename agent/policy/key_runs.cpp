#include "agent/policy/key_runs.h"

#include <bit>
#include <cstdint>

#include "agent/policy/char_class.h"
#include "agent/policy/secret_rules.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace llmsnoop::policy {

namespace {

constexpr std::size_t kBlock = 64;

#ifdef __SSE2__

__m128i in_range(__m128i bytes, char first, char last) {
    const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(last - first))), offset);
}

std::uint64_t keys_of_16(const char* text) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
    const __m128i letters = in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digits = in_range(bytes, '/', '9');  // '/' is right before '0'
    const __m128i others = _mm_or_si128(
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('+')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'))));
    const __m128i keys = _mm_or_si128(letters, _mm_or_si128(digits, others));
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(keys)));
}

// Bit i says whether text[i] is of class kKey.
std::uint64_t keys_of_block(const char* text) {
    return keys_of_16(text) | keys_of_16(text + 16) << 16 | keys_of_16(text + 32) << 32 | keys_of_16(text + 48) << 48;
}

#else

std::uint64_t keys_of_block(const char* text) {
    std::uint64_t keys = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
        keys |= static_cast<std::uint64_t>(is(text[i], kKey)) << i;
    return keys;
}

#endif

// Bit i says whether a run of kShortestSecret bits begins there.
std::uint64_t begins_of_runs(std::uint64_t keys) {
    static_assert(kShortestSecret == 20, "the shifts below add up to it");
    keys &= keys >> 1;
    keys &= keys >> 2;
    keys &= keys >> 4;
    keys &= keys >> 8;
    return keys & keys >> 4;
}

KeyRun whole_run(std::string_view text, std::size_t begin, std::size_t known) {
    return {begin, known + run_length(text.substr(known), kKey)};
}

}  // namespace

std::optional<KeyRun> next_key_run(std::string_view text, std::size_t from) {
    std::size_t at = from;
    std::size_t open = 0;  // bytes of class kKey right before `at`
    for (; at + kBlock <= text.size(); at += kBlock) {
        const std::uint64_t keys = keys_of_block(text.data() + at);
        const auto head = static_cast<std::size_t>(std::countr_one(keys));
        if (open + head >= kShortestSecret) return whole_run(text, at - open, at + head);
        if (const std::uint64_t begins = begins_of_runs(keys); begins != 0) {
            const std::size_t begin = at + static_cast<std::size_t>(std::countr_zero(begins));
            return whole_run(text, begin, begin + kShortestSecret);
        }
        open = static_cast<std::size_t>(std::countl_one(keys));
    }
    for (; at < text.size(); ++at) {
        open = is(text[at], kKey) ? open + 1 : 0;
        if (open == kShortestSecret) return whole_run(text, at + 1 - open, at + 1);
    }
    return std::nullopt;
}

}  // namespace llmsnoop::policy
