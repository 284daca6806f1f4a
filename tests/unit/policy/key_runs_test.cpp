#include "agent/policy/key_runs.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "agent/policy/char_class.h"
#include "agent/policy/secret_rules.h"

namespace llmsnoop::policy {

std::ostream& operator<<(std::ostream& out, const KeyRun& run) {
    return out << run.begin << ".." << run.end;
}

namespace {

// The same by its definition, a byte at a time.
std::optional<KeyRun> slowly(std::string_view text, std::size_t from) {
    for (std::size_t begin = from; begin < text.size();) {
        const std::size_t length = run_length(text.substr(begin), kKey);
        if (length >= kShortestSecret) return KeyRun{begin, begin + length};
        begin += length + 1;
    }
    return std::nullopt;
}

TEST(KeyRuns, EveryLengthAtEveryPlaceOfABlock) {
    for (std::size_t before = 0; before < 140; ++before) {
        for (std::size_t length = 15; length < 100; ++length) {
            const std::string text =
                std::string(before, '.') + std::string(length, 'k') + std::string(before % 70, ' ');
            EXPECT_EQ(next_key_run(text, 0), slowly(text, 0)) << before << " before " << length;
        }
    }
}

TEST(KeyRuns, EveryByteIsClassifiedAsTheTableSays) {
    for (int byte = 0; byte < 256; ++byte) {
        std::string text(128, ' ');
        for (std::size_t at = 30; at < 50; ++at)
            text[at] = 'k';
        text[40] = static_cast<char>(byte);
        EXPECT_EQ(next_key_run(text, 0), slowly(text, 0)) << byte;
    }
}

TEST(KeyRuns, WhatLiesBeforeTheStartIsNotLookedAt) {
    const std::string text(100, 'k');
    EXPECT_EQ(next_key_run(text, 10), (KeyRun{10, 100}));
    EXPECT_EQ(next_key_run(text, 80), (KeyRun{80, 100}));
    EXPECT_EQ(next_key_run(text, 81), std::nullopt);
    EXPECT_EQ(next_key_run(text, 100), std::nullopt);
}

TEST(KeyRuns, RandomTexts) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        std::string text(random() % 400, '\0');
        const unsigned rare = 1 + random() % 40;
        for (char& byte : text)
            byte = random() % rare == 0 ? static_cast<char>(random()) : 'a';
        for (std::size_t from = 0; from <= text.size(); from += 1 + random() % 30) {
            ASSERT_EQ(next_key_run(text, from), slowly(text, from)) << "round " << round << " from " << from;
        }
    }
}

}  // namespace
}  // namespace llmsnoop::policy
