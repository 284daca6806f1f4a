#include "agent/tokens/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::tokens {
namespace {

constexpr Encoding kBoth[] = {Encoding::o200k_base, Encoding::cl100k_base};

// The definition of byte-pair merging, with nothing to make it fast.
std::vector<Rank> by_definition(const Vocabulary& vocabulary, const std::string& text) {
    const char* const end = text.data() + text.size();
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i <= text.size(); ++i)
        starts.push_back(i);
    const auto rank = [&](std::size_t from, std::size_t to) {
        return vocabulary.find(text.data() + from, to - from, end);
    };
    std::vector<Rank> pairs;
    for (std::size_t i = 0; i + 2 < starts.size(); ++i)
        pairs.push_back(rank(starts[i], starts[i + 2]));
    while (!pairs.empty()) {
        const auto lowest = std::min_element(pairs.begin(), pairs.end());
        if (*lowest == kNoRank) break;
        const auto i = static_cast<std::size_t>(lowest - pairs.begin());
        starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        pairs.erase(lowest);
        if (i < pairs.size()) pairs[i] = rank(starts[i], starts[i + 2]);
        if (i > 0) pairs[i - 1] = rank(starts[i - 1], starts[i + 1]);
    }
    std::vector<Rank> tokens;
    for (std::size_t i = 0; i + 1 < starts.size(); ++i)
        tokens.push_back(rank(starts[i], starts[i + 1]));
    return tokens;
}

void expect_equal(const std::string& text) {
    for (const Encoding encoding : kBoth) {
        const Vocabulary& vocabulary = Vocabulary::of(encoding);
        std::vector<Rank> tokens;
        const char* const end = text.data() + text.size();
        const std::size_t count = merge(vocabulary, text.data(), text.size(), end, &tokens);
        ASSERT_EQ(tokens, by_definition(vocabulary, text))
            << name_of(encoding) << ", " << text.size() << " bytes: " << text.substr(0, 80);
        ASSERT_EQ(count, tokens.size());
        ASSERT_EQ(merge(vocabulary, text.data(), text.size(), end, nullptr), count);
    }
}

std::string random_text(std::mt19937& random, std::string_view alphabet, std::size_t size) {
    std::string text;
    while (text.size() < size)
        text += alphabet[random() % alphabet.size()];
    return text;
}

TEST(Merge, ShortPieces) {
    std::mt19937 random(2);
    for (std::size_t size = 1; size <= 130; ++size) {
        expect_equal(random_text(random, "ab", size));
        expect_equal(random_text(random, "etaoinshrdlu", size));
        expect_equal(random_text(random, " \n\t=-", size));
        expect_equal(random_text(random, "\xe4\xbd\xa0\xe5\xa5", size));
    }
}

// Longer than a window, so that windows have to be joined.
TEST(Merge, LongPieces) {
    std::mt19937 random(3);
    for (const std::string_view alphabet :
         {"a", "ab", "abc", "etaoinshrdlu", " ", "=-", "*", "\xe4\xbd\xa0\xe5\xa5\xbd", "01"}) {
        expect_equal(random_text(random, alphabet, 4090 + random() % 20));
        expect_equal(random_text(random, alphabet, 9000 + random() % 500));
    }
}

// The same short text again and again puts the same question at every place of a window's end.
TEST(Merge, Repetitions) {
    std::mt19937 random(4);
    for (int round = 0; round < 12; ++round) {
        const std::string unit = random_text(random, "abcdeghilnorst", 2 + random() % 40);
        std::string text;
        while (text.size() < 9000)
            text += unit;
        expect_equal(text);
    }
}

}  // namespace
}  // namespace llmsnoop::tokens
