#include "agent/attribution/kubernetes/watch_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace llmsnoop::attribution::kubernetes {
namespace {

constexpr std::size_t kLimit = 8;
const std::string kTooLong = "(too long)";

using Strings = std::vector<std::string>;

Strings lines_of(const Strings& pieces) {
    Strings out;
    WatchLines lines(kLimit);
    const auto line = [&](std::string_view text) { out.emplace_back(text); };
    const auto too_long = [&] { out.push_back(kTooLong); };
    for (const std::string& piece : pieces)
        lines.feed(piece, {line, too_long});
    return out;
}

TEST(WatchLinesTest, EndWithALineFeed) {
    EXPECT_EQ(lines_of({"one\ntwo\r\n\n\r\nthree"}), (Strings{"one", "two"}));
    EXPECT_EQ(lines_of({"on", "e\ntw", "o", "\n"}), (Strings{"one", "two"}));
}

TEST(WatchLinesTest, OnesThatAreTooLongAreSkipped) {
    EXPECT_EQ(lines_of({"12345678\n123456789\n12345678\r\n1\n"}), (Strings{"12345678", kTooLong, "12345678", "1"}));
    EXPECT_EQ(lines_of({std::string(100, 'x'), std::string(100, 'x'), "\nafter\n"}), (Strings{kTooLong, "after"}));
}

TEST(WatchLinesTest, WhatWasHalfALineIsForgotten) {
    Strings out;
    WatchLines lines(kLimit);
    const auto line = [&](std::string_view text) { out.emplace_back(text); };
    const auto too_long = [&] { out.push_back(kTooLong); };
    lines.feed("half", {line, too_long});
    lines.reset();
    lines.feed("new\n", {line, too_long});
    EXPECT_EQ(out, Strings{"new"});
}

TEST(WatchLinesTest, AnyCutGivesTheSame) {
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
        std::string text;
        for (unsigned i = random() % 60; i > 0; --i)
            text += "ab\r\n\n"[random() % 5];
        if (random() % 2 == 0) text.insert(random() % (text.size() + 1), std::string(random() % 20, 'x'));
        const Strings whole = lines_of({text});
        Strings bytes;
        for (const char c : text)
            bytes.emplace_back(1, c);
        EXPECT_EQ(lines_of(bytes), whole);
        Strings pieces;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t size = std::min<std::size_t>(1 + random() % 9, text.size() - at);
            pieces.push_back(text.substr(at, size));
            at += size;
        }
        // A line without an end is told of as too long as soon as it is, whatever follows.
        EXPECT_EQ(lines_of(pieces), whole);
    }
}

}  // namespace
}  // namespace llmsnoop::attribution::kubernetes
