#include <gtest/gtest.h>

#include <array>
#include <string>

#include "agent/tokens/unicode_class.h"
#include "agent/tokens/utf8.h"

namespace llmsnoop::tokens {
namespace {

TEST(UnicodeClass, Examples) {
    EXPECT_EQ(class_of(U'A'), CharClass::upper);
    EXPECT_EQ(class_of(U'\u01c5'), CharClass::upper) << "title case";
    EXPECT_EQ(class_of(U'\u00df'), CharClass::lower);
    EXPECT_EQ(class_of(U'\u02b0'), CharClass::letter) << "modifier letter";
    EXPECT_EQ(class_of(U'\u4e00'), CharClass::letter);
    EXPECT_EQ(class_of(U'\u0301'), CharClass::mark);
    EXPECT_EQ(class_of(U'\u2167'), CharClass::number) << "letter number";
    EXPECT_EQ(class_of(U'\u00bd'), CharClass::number) << "other number";
    EXPECT_EQ(class_of(U'\u3000'), CharClass::space);
    EXPECT_EQ(class_of(U'\u0085'), CharClass::space);
    EXPECT_EQ(class_of(U'\n'), CharClass::newline);
    EXPECT_EQ(class_of(U'\ufeff'), CharClass::other);
    EXPECT_EQ(class_of(U'\u20ac'), CharClass::other);
    EXPECT_EQ(class_of(0x10ffff), CharClass::other);
    EXPECT_EQ(class_of(0x110000), CharClass::other);
    EXPECT_EQ(class_of(0xd800), CharClass::other);
}

// Unicode 16.0: U+1C89 came with it, U+A7CE and the move of U+0295 to the letters without case with 17.0.
TEST(UnicodeClass, Version) {
    EXPECT_EQ(class_of(0x1c89), CharClass::upper);
    EXPECT_EQ(class_of(0xa7ce), CharClass::other);
    EXPECT_EQ(class_of(0x295), CharClass::lower);
}

TEST(UnicodeClass, NumberOfCharactersOfEachClass) {
    std::array<int, 8> counts{};
    for (char32_t c = 0; c < 0x110000; ++c)
        ++counts[static_cast<std::size_t>(class_of(c))];
    const auto of = [&](CharClass kind) { return counts[static_cast<std::size_t>(kind)]; };
    EXPECT_EQ(of(CharClass::upper), 1858 + 31);
    EXPECT_EQ(of(CharClass::lower), 2258);
    EXPECT_EQ(of(CharClass::letter), 404 + 136477);
    EXPECT_EQ(of(CharClass::mark), 2501);
    EXPECT_EQ(of(CharClass::number), 1911);
    EXPECT_EQ(of(CharClass::space) + of(CharClass::newline), 25);
}

TEST(UnicodeClass, EveryFormOfGlyph) {
    EXPECT_EQ(glyph_at("z").size, 1U);
    EXPECT_EQ(glyph_at("\u00e9").size, 2U);
    EXPECT_EQ(glyph_at("\u4e00").size, 3U);
    EXPECT_EQ(glyph_at("\U0001d400").size, 4U);
    EXPECT_EQ(glyph_at("\U0001d400").kind, CharClass::upper);
    EXPECT_EQ(glyph_at("\u00e9").kind, CharClass::lower);
}

std::string repaired(std::string_view text) {
    std::string storage;
    return std::string(valid_utf8(text, storage));
}

TEST(Utf8, ValidTextIsNotCopied) {
    std::string storage;
    const std::string text = "plain, \u00e9\u4e00\U0001f600, and plain again";
    EXPECT_EQ(valid_utf8(text, storage).data(), text.data());
    EXPECT_EQ(valid_utf8("", storage), "");
}

// The examples of Unicode 16.0, table 3-8 to 3-11.
TEST(Utf8, EachMaximalPartIsReplacedOnce) {
    const std::string r = "\ufffd";
    EXPECT_EQ(repaired("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(repaired("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(repaired("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), r + r + r + r + r + "A" + r + r + "B");
    EXPECT_EQ(repaired("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), r + r + r + r + "A");
}

TEST(Utf8, ASequenceCutByTheEnd) {
    EXPECT_EQ(repaired("ab\xe4\xbd"), "ab\ufffd");
    EXPECT_EQ(repaired("12345678\xf0\x9f\x98"), "12345678\ufffd");
    EXPECT_EQ(repaired("\xf0\x9f\x98x"), "\ufffdx");
}

}  // namespace
}  // namespace llmsnoop::tokens
