#include "agent/tokens/tokenizer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

namespace llmsnoop::tokens {
namespace {

constexpr Encoding kBoth[] = {Encoding::o200k_base, Encoding::cl100k_base};

struct Reference {
    std::string_view text;
    std::vector<Rank> o200k;
    std::vector<Rank> cl100k;
};

const std::vector<Reference>& references() {
    static const std::vector<Reference> all = {
#include "tests/unit/tokens/reference_tokens.inc"
    };
    return all;
}

TEST(Tokenizer, EqualsTheReference) {
    for (const Reference& one : references()) {
        EXPECT_EQ(encode(Encoding::o200k_base, one.text), one.o200k) << one.text;
        EXPECT_EQ(encode(Encoding::cl100k_base, one.text), one.cl100k) << one.text;
        EXPECT_EQ(count_tokens(Encoding::o200k_base, one.text), one.o200k.size()) << one.text;
        EXPECT_EQ(count_tokens(Encoding::cl100k_base, one.text), one.cl100k.size()) << one.text;
    }
}

TEST(Tokenizer, CountsWhatItEncodesAndTheTokensAreTheText) {
    std::mt19937 random(1);
    const std::string_view material[] = {"the ",         "Token",    "izer", "'s", "\n", "  ", "1",
                                         "\xe4\xbd\xa0", "\xcc\x81", "!",    "/",  "\t", "Zq", "=="};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto left = random() % 60; left > 0; --left)
            text += material[random() % std::size(material)];
        for (const Encoding encoding : kBoth) {
            const std::vector<Rank> tokens = encode(encoding, text);
            ASSERT_EQ(count_tokens(encoding, text), tokens.size()) << text;
            std::string decoded;
            for (const Rank rank : tokens)
                decoded += Vocabulary::of(encoding).token(rank);
            ASSERT_EQ(decoded, text);
        }
    }
}

TEST(Tokenizer, TextOfSpecialTokensIsOrdinaryText) {
    for (const Encoding encoding : kBoth)
        EXPECT_GT(count_tokens(encoding, "<|endoftext|>"), 3U);
}

TEST(Tokenizer, BytesThatAreNoUtf8CountAsReplacementCharacters) {
    for (const Encoding encoding : kBoth) {
        EXPECT_EQ(encode(encoding, "a\xff\xe4\xbd z"), encode(encoding, "a\xef\xbf\xbd\xef\xbf\xbd z"));
        EXPECT_EQ(count_tokens(encoding, "\x80"), count_tokens(encoding, "\xef\xbf\xbd"));
    }
}

TEST(Tokenizer, TheEndOfTheTextIsNotReadOver) {
    // Every size of buffer, so that the sanitizer sees a read behind it.
    const std::string text = "The quick brown fox, antidisestablishmentarianism's";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        for (const Encoding encoding : kBoth) {
            EXPECT_EQ(count_tokens(encoding, {exact.data(), exact.size()}),
                      encode(encoding, text.substr(0, size)).size());
        }
    }
}

TEST(Tokenizer, LongRunsOfOneCharacter) {
    // A letter a million times is one piece; so are the blanks but for the last, which belongs to the word behind them.
    EXPECT_EQ(count_tokens(Encoding::o200k_base, std::string(1'000'000, 'a')), 125'000U);
    EXPECT_EQ(count_tokens(Encoding::cl100k_base, std::string(1'000'000, 'a')), 125'000U);
    EXPECT_EQ(count_tokens(Encoding::o200k_base, std::string(1'000'000, ' ') + "x"), 7'814U);
}

TEST(Tokenizer, ManyThreadsMayAskFirst) {
    std::vector<std::thread> threads;
    std::vector<std::size_t> counts(8);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        threads.emplace_back([&counts, i] { counts[i] = count_tokens(kBoth[i % 2], "hello world"); });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(counts, std::vector<std::size_t>(8, 2));
}

}  // namespace
}  // namespace llmsnoop::tokens
