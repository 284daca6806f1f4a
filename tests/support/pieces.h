#pragma once
// Ways to cut an input into pieces.
#include <algorithm>
#include <cstddef>
#include <random>
#include <string_view>
#include <vector>

namespace llmsnoop::support {

using Pieces = std::vector<std::string_view>;

inline Pieces cut_bytewise(std::string_view input) {
    Pieces pieces;
    for (std::size_t at = 0; at < input.size(); ++at)
        pieces.push_back(input.substr(at, 1));
    return pieces;
}

// `input` is not empty. Small pieces and large ones, so that both what spans several pieces and what lies in one is
// met.
inline Pieces cut_randomly(std::string_view input, std::mt19937& random) {
    const std::size_t most =
        std::max<std::size_t>(1, random() % 2 == 0 ? 1 + random() % 7 : 1 + random() % input.size());
    Pieces pieces;
    while (!input.empty()) {
        const std::size_t size = std::min<std::size_t>(1 + random() % most, input.size());
        pieces.push_back(input.substr(0, size));
        input.remove_prefix(size);
    }
    return pieces;
}

}  // namespace llmsnoop::support
