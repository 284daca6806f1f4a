#pragma once
// Exact token counts of text: what the reference's encode_ordinary returns, so text that looks like a special token
// ("<|endoftext|>") is ordinary text. Pure functions, any thread; the first call for an encoding loads its tokens.
//
// Bytes that are no UTF-8 count as U+FFFD, as they would after the WHATWG decoder. Time is linear in the text but for a
// single word, number or run of symbols, which costs n log n.
#include <cstddef>
#include <string_view>
#include <vector>

#include "agent/tokens/encoding.h"
#include "agent/tokens/vocabulary.h"

namespace llmsnoop::tokens {

std::size_t count_tokens(Encoding encoding, std::string_view text);
std::vector<Rank> encode(Encoding encoding, std::string_view text);

}  // namespace llmsnoop::tokens
