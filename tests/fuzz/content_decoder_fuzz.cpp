// Content codings. The first byte chooses them, the rest is the body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "agent/framing/content_decoder.h"
#include "tests/support/pieces.h"

namespace {

using llmsnoop::framing::ContentDecoder;
using llmsnoop::framing::DecoderLimits;
using llmsnoop::support::Pieces;
namespace base = llmsnoop::base;

constexpr std::string_view kCodings[] = {"gzip",     "deflate",       "br", "zstd", "gzip, gzip",
                                         "br, gzip", "deflate, zstd", ""};
constexpr DecoderLimits kLimits{.output_bytes = 1U << 20, .ratio = 2000, .ratio_floor = 16U << 20, .codings = 4};

void require(bool holds) {
    if (!holds) std::abort();
}

struct Decoded {
    std::string text;
    bool failed = false;
};

Decoded decode(std::string_view codings, const Pieces& pieces, const DecoderLimits& limits) {
    ContentDecoder decoder(codings, limits);
    Decoded decoded;
    const auto out = [&](base::Bytes bytes) {
        require(!decoded.failed);
        decoded.text.append(base::as_text(bytes));
    };
    for (const std::string_view piece : pieces) {
        const std::string copy(piece);
        decoder.feed(base::as_bytes(copy), out);
        decoded.failed = decoder.failed().has_value();
    }
    decoder.end(true, out);
    decoded.failed = decoder.failed().has_value();
    return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view codings = kCodings[data[0] % std::size(kCodings)];
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::mt19937 random(data[0]);

    const Decoded expected = decode(codings, {input}, kLimits);
    require(expected.text.size() <= kLimits.output_bytes);
    for (const Pieces& pieces :
         {llmsnoop::support::cut_bytewise(input), llmsnoop::support::cut_randomly(input, random)}) {
        const Decoded seen = decode(codings, pieces, kLimits);
        require(seen.failed == expected.failed);
        // How much comes out before an error shows depends on how far the library looks ahead.
        const std::size_t common =
            expected.failed ? std::min(seen.text.size(), expected.text.size()) : expected.text.size();
        require(seen.text.compare(0, expected.failed ? common : std::string::npos, expected.text, 0, common) == 0);
    }

    constexpr DecoderLimits kStrict{.output_bytes = 1U << 20, .ratio = 3, .ratio_floor = 1000, .codings = 4};
    const Decoded strict = decode(codings, {input}, kStrict);
    require(strict.text.size() <= std::max<std::size_t>(1000, 4 * input.size()));
    return 0;
}
