// Any bytes as text: what is counted is what is encoded, the tokens spell the text (made valid UTF-8), and the text
// that they spell has the same tokens.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tokens/tokenizer.h"
#include "agent/tokens/utf8.h"

namespace {

using namespace llmsnoop::tokens;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(Encoding encoding, std::string_view text) {
    const std::vector<Rank> tokens = encode(encoding, text);
    require(count_tokens(encoding, text) == tokens.size());
    std::string spelled;
    for (const Rank rank : tokens)
        spelled += Vocabulary::of(encoding).token(rank);
    std::string storage;
    require(spelled == valid_utf8(text, storage));
    require(encode(encoding, spelled) == tokens);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    check(Encoding::o200k_base, text);
    check(Encoding::cl100k_base, text);
    // The first bytes again and again make a piece that is longer than is merged at once. Seldom, because it is slow.
    if (size >= 3 && data[0] == 0xA5) {
        std::string longer;
        const std::string unit = text.substr(1, 1 + data[1] % 16);
        while (longer.size() < 4500)
            longer += unit;
        check(data[1] % 2 == 0 ? Encoding::o200k_base : Encoding::cl100k_base, longer);
    }
    return 0;
}
