#include "agent/tokens/encoding.h"

namespace llmsnoop::tokens {

std::string_view name_of(Encoding value) {
    return value == Encoding::cl100k_base ? "cl100k_base" : "o200k_base";
}

}  // namespace llmsnoop::tokens
