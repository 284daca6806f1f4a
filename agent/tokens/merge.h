#pragma once
// Byte-pair merging of one piece: while two neighbours form a token together, the pair with the lowest rank is merged,
// the leftmost of equals first. Time is linear in the bytes of the piece, and memory constant, but for texts made to
// prevent it: then O(n log n) and 20 MB.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/tokens/vocabulary.h"

namespace llmsnoop::tokens {

// Returns the number of tokens; appends them to `out` where it is not null. Up to `end` the text may be read.
std::size_t merge(const Vocabulary& vocabulary, const char* at, std::size_t size, const char* end,
                  std::vector<Rank>* out);

}  // namespace llmsnoop::tokens
