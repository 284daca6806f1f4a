#include "agent/tokens/embedded_data.h"

// The assembler copies the files into read-only data; the compiler never sees 1.4 MB of literals. The build says where
// they are (LLMSNOOP_TOKENS_DATA) and names them as dependencies of this file.
#define EMBED(symbol, file)                                                                              \
    __asm__(".section .rodata\n.balign 16\n" #symbol "_begin:\n.incbin \"" LLMSNOOP_TOKENS_DATA "/" file \
            "\"\n" #symbol "_end:\n.byte 0\n.previous\n");                                               \
    extern "C" const std::uint8_t symbol##_begin[];                                                      \
    extern "C" const std::uint8_t symbol##_end[]

EMBED(llmsnoop_ranks_o200k, "o200k_base.ranks.zst");
EMBED(llmsnoop_ranks_cl100k, "cl100k_base.ranks.zst");
EMBED(llmsnoop_prices, "prices.json");

namespace llmsnoop::tokens {

base::Bytes embedded_ranks(Encoding encoding) {
    if (encoding == Encoding::cl100k_base) return {llmsnoop_ranks_cl100k_begin, llmsnoop_ranks_cl100k_end};
    return {llmsnoop_ranks_o200k_begin, llmsnoop_ranks_o200k_end};
}

std::string_view embedded_prices() {
    return base::as_text({llmsnoop_prices_begin, llmsnoop_prices_end});
}

}  // namespace llmsnoop::tokens
