#pragma once
// Cuts text into the pieces within which byte pairs are merged, exactly as the encodings' regular expressions do, in
// time linear in the text: every character is looked at a bounded number of times.
#include "agent/tokens/encoding.h"

namespace llmsnoop::tokens {

// The end of the piece that begins at `at`. The text [at, end) is valid UTF-8 and not empty.
template <Encoding kEncoding>
const char* piece_end(const char* at, const char* end);

}  // namespace llmsnoop::tokens
