// What the patterns do at their edges, read as: text, then its pieces.
#include "agent/tokens/pretokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmsnoop::tokens {
namespace {

using Pieces = std::vector<std::string>;

template <Encoding kEncoding>
Pieces cut(const std::string& text) {
    Pieces pieces;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        const char* const next = piece_end<kEncoding>(at, end);
        pieces.emplace_back(at, next);
        at = next;
    }
    return pieces;
}

Pieces o200k(const std::string& text) {
    return cut<Encoding::o200k_base>(text);
}
Pieces cl100k(const std::string& text) {
    return cut<Encoding::cl100k_base>(text);
}

TEST(Pretokenizer, WordsTakeTheBlankBeforeThem) {
    EXPECT_EQ(o200k("one two  three"), (Pieces{"one", " two", " ", " three"}));
    EXPECT_EQ(cl100k("one two  three"), (Pieces{"one", " two", " ", " three"}));
}

TEST(Pretokenizer, WordsTakeOneSymbolBeforeThem) {
    EXPECT_EQ(o200k("(a) -b\tc"), (Pieces{"(a", ")", " -", "b", "\tc"}));
    EXPECT_EQ(cl100k("(a) -b\tc"), (Pieces{"(a", ")", " -", "b", "\tc"}));
}

TEST(Pretokenizer, ALineEndIsNeverTakenByAWord) {
    EXPECT_EQ(o200k("\na"), (Pieces{"\n", "a"}));
    EXPECT_EQ(cl100k("\r\na"), (Pieces{"\r\n", "a"}));
}

TEST(Pretokenizer, CaseEndsAWordInO200kOnly) {
    EXPECT_EQ(o200k("getElementById"), (Pieces{"get", "Element", "By", "Id"}));
    EXPECT_EQ(o200k("HTMLElement ABC"), (Pieces{"HTMLElement", " ABC"}));
    EXPECT_EQ(cl100k("getElementById"), (Pieces{"getElementById"}));
}

TEST(Pretokenizer, LettersWithoutCaseAreBoth) {
    // Han letters belong to both sets: they go on after lower case, and end a run of capitals that no lower case
    // follows.
    EXPECT_EQ(o200k("a\u4f60b"), (Pieces{"a\u4f60b"}));
    EXPECT_EQ(o200k("\u4f60AB"), (Pieces{"\u4f60", "AB"}));
    EXPECT_EQ(o200k("A\u4f60B\u4f60C1"), (Pieces{"A\u4f60B\u4f60", "C", "1"}));
    EXPECT_EQ(o200k("\u4f60Ab"), (Pieces{"\u4f60Ab"}));
}

TEST(Pretokenizer, MarksAreLettersInO200kAndSymbolsInCl100k) {
    EXPECT_EQ(o200k("e\u0301A"), (Pieces{"e\u0301", "A"}));
    EXPECT_EQ(o200k("\u0301AB"), (Pieces{"\u0301", "AB"}));
    EXPECT_EQ(o200k("!\u0301a"), (Pieces{"!\u0301a"}));
    EXPECT_EQ(o200k("!!\u0301"), (Pieces{"!!\u0301"}));
    EXPECT_EQ(cl100k("e\u0301a"), (Pieces{"e", "\u0301a"}));
    EXPECT_EQ(cl100k(" \u0301!"), (Pieces{" \u0301!"}));
}

TEST(Pretokenizer, ContractionsEndAWordInO200kAndStandAloneInCl100k) {
    EXPECT_EQ(o200k("I'm WE'LL x'ss it'x"), (Pieces{"I'm", " WE'LL", " x's", "s", " it", "'x"}));
    EXPECT_EQ(cl100k("I'm WE'LL x'ss it'x"), (Pieces{"I", "'m", " WE", "'LL", " x", "'s", "s", " it", "'x"}));
    EXPECT_EQ(cl100k("'re'Ve'D"), (Pieces{"'re", "'Ve", "'D"}));
    EXPECT_EQ(o200k("a'\u017fb"), (Pieces{"a'\u017f", "b"})) << "long s folds to s";
    EXPECT_EQ(o200k("a'"), (Pieces{"a", "'"}));
    EXPECT_EQ(o200k("a'r"), (Pieces{"a", "'r"}));
}

TEST(Pretokenizer, NumbersComeInThrees) {
    EXPECT_EQ(o200k("1234567 89"), (Pieces{"123", "456", "7", " ", "89"}));
    EXPECT_EQ(cl100k("x12\u0663\u2167\u00bd"), (Pieces{"x", "12\u0663", "\u2167\u00bd"}));
}

TEST(Pretokenizer, SymbolsTakeTheLineEndsBehindThem) {
    EXPECT_EQ(cl100k(" {\n\n\n  }"), (Pieces{" {\n\n\n", " ", " }"}));
    EXPECT_EQ(cl100k("//\n/\nx"), (Pieces{"//\n", "/\n", "x"}));
    EXPECT_EQ(o200k("//\n/\nx"), (Pieces{"//\n/\n", "x"})) << "and slashes";
}

TEST(Pretokenizer, BlanksEndAtTheLastLineEnd) {
    EXPECT_EQ(o200k("a \n \n  b"), (Pieces{"a", " \n \n", " ", " b"}));
    EXPECT_EQ(o200k("a\n  "), (Pieces{"a", "\n", "  "}));
    EXPECT_EQ(cl100k("a   "), (Pieces{"a", "   "}));
    EXPECT_EQ(cl100k("  \u00a0\u3000b"), (Pieces{"  \u00a0", "\u3000b"}));
    EXPECT_EQ(cl100k("  1"), (Pieces{" ", " ", "1"}));
}

TEST(Pretokenizer, WhatCountsAsBlank) {
    EXPECT_EQ(o200k("\u0085\u2028\u3000"), (Pieces{"\u0085\u2028\u3000"}));
    EXPECT_EQ(o200k("\ufeff\u200b"), (Pieces{"\ufeff\u200b"})) << "symbols, not blanks";
    EXPECT_EQ(o200k(" \ufeff"), (Pieces{" \ufeff"}));
}

}  // namespace
}  // namespace llmsnoop::tokens
