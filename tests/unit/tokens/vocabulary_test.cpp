#include "agent/tokens/vocabulary.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "agent/base/sha256.h"

namespace llmsnoop::tokens {
namespace {

std::string base64(std::string_view bytes) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t word = 0;
        for (std::size_t k = 0; k < 3; ++k)
            word = word << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0);
        for (unsigned k = 0; k < 4; ++k)
            out += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
    }
    return out;
}

// The hash of the file that OpenAI publishes, made again from what is in the program.
std::string hash_of(Encoding encoding) {
    const Vocabulary& vocabulary = Vocabulary::of(encoding);
    base::Sha256 hash;
    for (Rank rank = 0; rank < vocabulary.size(); ++rank) {
        hash.update(base64(vocabulary.token(rank)) + " " + std::to_string(rank) + "\n");
    }
    return hash.finish_hex();
}

TEST(Vocabulary, HoldsThePublishedRanks) {
    EXPECT_EQ(Vocabulary::of(Encoding::o200k_base).size(), 199'998U);
    EXPECT_EQ(hash_of(Encoding::o200k_base), "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d");
    EXPECT_EQ(Vocabulary::of(Encoding::cl100k_base).size(), 100'256U);
    EXPECT_EQ(hash_of(Encoding::cl100k_base), "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7");
}

TEST(Vocabulary, FindsEveryTokenAndNothingElse) {
    for (const Encoding encoding : {Encoding::o200k_base, Encoding::cl100k_base}) {
        const Vocabulary& vocabulary = Vocabulary::of(encoding);
        std::set<std::string_view> all;
        for (Rank rank = 0; rank < vocabulary.size(); ++rank)
            all.insert(vocabulary.token(rank));
        for (Rank rank = 0; rank < vocabulary.size(); ++rank) {
            const std::string_view token = vocabulary.token(rank);
            const char* const end = token.data() + token.size();
            ASSERT_EQ(vocabulary.find(token.data(), token.size(), end), rank);
            if (token.size() == 1) continue;
            const std::string_view shorter = token.substr(1);
            ASSERT_EQ(vocabulary.find(shorter.data(), shorter.size(), end) != kNoRank, all.contains(shorter));
        }
    }
}

TEST(Vocabulary, TellsZeroBytesFromTheEndOfAToken) {
    const Vocabulary& vocabulary = Vocabulary::of(Encoding::o200k_base);
    const std::string zeros(32, '\0');
    const Rank one = vocabulary.find(zeros.data(), 1, zeros.data() + zeros.size());
    ASSERT_NE(one, kNoRank);
    EXPECT_EQ(vocabulary.token(one).size(), 1U);
    for (std::size_t size = 2; size <= zeros.size(); ++size) {
        const Rank rank = vocabulary.find(zeros.data(), size, zeros.data() + zeros.size());
        if (rank != kNoRank) {
            EXPECT_EQ(vocabulary.token(rank).size(), size);
        }
    }
}

TEST(Vocabulary, HoldsEveryByte) {
    for (const Encoding encoding : {Encoding::o200k_base, Encoding::cl100k_base}) {
        for (int byte = 0; byte < 256; ++byte) {
            const char text = static_cast<char>(byte);
            EXPECT_NE(Vocabulary::of(encoding).find(&text, 1, &text + 1), kNoRank);
        }
    }
}

}  // namespace
}  // namespace llmsnoop::tokens
