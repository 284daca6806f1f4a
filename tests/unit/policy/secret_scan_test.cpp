#include "agent/policy/secret_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/unit/policy/fake_keys.h"

namespace llmsnoop::policy {
namespace {

struct Found {
    std::string rule;
    std::string text;

    friend bool operator==(const Found&, const Found&) = default;
};

std::ostream& operator<<(std::ostream& out, const Found& found) {
    return out << found.rule << " " << found.text;
}

std::vector<Found> scan(std::string_view text, TextEnd end = TextEnd::final) {
    std::vector<Found> all;
    for (auto match = find_secret(text, 0, end); match; match = find_secret(text, match->end, end)) {
        all.push_back(
            {std::string(match->rule->name), std::string(text.substr(match->begin, match->end - match->begin))});
    }
    return all;
}

TEST(SecretScan, FindsEveryKindOfKeyAloneAndInProse) {
    for (const FakeKey& key : fake_keys()) {
        EXPECT_EQ(scan(key.text), (std::vector<Found>{{key.rule, key.text}}));
        EXPECT_EQ(scan("my key is " + key.text + ", keep it"), (std::vector<Found>{{key.rule, key.text}}));
        EXPECT_EQ(scan("{\"key\":\"" + key.text + "\"}"), (std::vector<Found>{{key.rule, key.text}}));
        EXPECT_EQ(scan("KEY=" + key.text + "\n"), (std::vector<Found>{{key.rule, key.text}}));
    }
}

TEST(SecretScan, FindsAKeyBehindAnEscape) {
    for (const FakeKey& key : fake_keys()) {
        for (const std::string before : {R"(\n)", R"(\t)", R"(\u0020)", "%20", "%3D"}) {
            EXPECT_EQ(scan("Bearer" + before + key.text), (std::vector<Found>{{key.rule, key.text}})) << before;
        }
    }
}

TEST(SecretScan, TakesTheRestOfTheWordThatAKeyStandsIn) {
    // The first one's characters are only those of lower-case hexadecimal numbers.
    const std::string glued = "sk-or-v1-" + repeat("0123456789abcdef", 64) + "AIza" + repeat("Sy7k", 35);
    const std::vector<Found> found = scan("a " + glued + ", b");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].text, glued);
}

TEST(SecretScan, FindsSeveralKeysInOrder) {
    std::string text;
    std::vector<Found> want;
    for (const FakeKey& key : fake_keys()) {
        text += "and " + key.text + " ";
        want.push_back({key.rule, key.text});
    }
    EXPECT_EQ(scan(text), want);
}

TEST(SecretScan, LeavesOrdinaryTextAlone) {
    for (const std::string text : {
             "The task-based risk-adjusted approach, ask-me-anything-and-more-words-like-these.",
             "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012 fp_0123456789abcdef0123 msg_01AbCdEfGhIjKlMnOpQrStUv",
             "toolu_01AbCdEfGhIjKlMnOpQrStUv call_AbCdEfGhIjKlMnOpQrStUvWx resp_0123456789abcdef0123456789abcdef",
             "class=\"sk-fading-circle-of-dots-and-dashes\"",
             "0123456789abcdef0123456789abcdef.txt 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
             "sk-short sk- AKIA hf_ ya29. dapi",
             "550e8400-e29b-41d4-a716-446655440000",
             "AKIAabcdefghijklmnop",
         }) {
        EXPECT_EQ(scan(text), std::vector<Found>{}) << text;
    }
}

TEST(SecretScan, WantsTheWholeOfAKeyOfFixedLength) {
    const std::string id = "AK" + std::string("IA") + repeat("ABCD2345", 16);
    EXPECT_EQ(scan(id).size(), 1U);
    EXPECT_EQ(scan(id + "Z").size(), 0U);  // longer: another word
    EXPECT_EQ(scan("x" + id).size(), 0U);  // not at the beginning of a word
    EXPECT_EQ(scan(id.substr(0, 19)).size(), 0U);
}

TEST(SecretScan, FindsAKeyAtEveryAlignment) {
    for (const FakeKey& key : fake_keys()) {
        for (std::size_t before = 0; before < 64; ++before) {
            const std::string text = std::string(before, ' ') + key.text + " end of it";
            ASSERT_EQ(scan(text), (std::vector<Found>{{key.rule, key.text}})) << before;
        }
    }
}

TEST(SecretScan, ReportsAKeyThatTheEndCutsOff) {
    const std::string key = "hf_" + repeat("abcdXYZ", 34);
    EXPECT_EQ(scan("x " + key.substr(0, 3 + kCutSecret), TextEnd::open).size(), 1U);
    EXPECT_EQ(scan("x " + key.substr(0, 2 + kCutSecret), TextEnd::open).size(), 0U);
    EXPECT_EQ(scan("x " + key.substr(0, 3 + kCutSecret), TextEnd::final).size(), 0U);
    EXPECT_EQ(scan("x " + key.substr(0, 3 + kCutSecret) + " ", TextEnd::open).size(), 0U);
}

// Whatever the rules, what lies between two matches holds none, and matches do not overlap.
TEST(SecretScan, RandomMixturesGiveOrderedMatches) {
    std::mt19937 random(7);
    const std::vector<FakeKey> keys = fake_keys();
    const std::string alphabet = "ab-_.sk/+= \"\\n%20{}AIza";
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        std::size_t planted = 0;
        while (text.size() < 400) {
            if (random() % 8 == 0) {
                text += " " + keys[random() % keys.size()].text + " ";
                ++planted;
            } else {
                text += alphabet[random() % alphabet.size()];
            }
        }
        std::size_t last = 0;
        std::size_t found = 0;
        for (auto match = find_secret(text); match; match = find_secret(text, match->end)) {
            ASSERT_LE(last, match->begin);
            ASSERT_LT(match->begin, match->end);
            ASSERT_LE(match->end, text.size());
            last = match->end;
            ++found;
        }
        ASSERT_GE(found, planted);
    }
}

// Candidates that begin every few bytes and never succeed: the work must stay in proportion to the length. At a
// quadratic algorithm's pace these inputs would take hours.
TEST(SecretScan, StaysLinearOnHostileText) {
    constexpr std::size_t kSize = 1U << 20;
    for (const std::string unit : {"sk-", "pa-", "a-", "0-", "sk-proj-.", "AIza-", "-", "ek_", "%", "\\u", "ya29."}) {
        std::string text = repeat(unit, kSize);
        scan(text);
        scan(text, TextEnd::open);
    }
    SUCCEED();
}

}  // namespace
}  // namespace llmsnoop::policy
