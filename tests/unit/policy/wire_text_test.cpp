#include "agent/policy/wire_text.h"

#include <gtest/gtest.h>

namespace llmsnoop::policy {
namespace {

std::string cleaned(std::string text, TextKind kind = TextKind::name) {
    clean(text, kind);
    return text;
}

TEST(WireText, KeepsGoodText) {
    for (const char* text : {"", "gpt-4o", "r\u00e9sum\u00e9 \u65e5\u672c\u8a9e \U0001F600"})
        EXPECT_EQ(cleaned(text), text);
}

TEST(WireText, RemovesControlCharactersFromNames) {
    EXPECT_EQ(cleaned("a\x1b[31mb\r\n\x7f"), "a[31mb");
    EXPECT_EQ(cleaned(std::string("a\0b", 3)), "ab");
    EXPECT_EQ(cleaned("a\u0085b\u009bc"), "abc");
    EXPECT_EQ(cleaned("a\u202eb\u2066c\u2028d\u200fe"), "abcde");
}

TEST(WireText, KeepsLineBreaksOfProse) {
    EXPECT_EQ(cleaned("a\n\tb\r\n\x01"
                      "c\u202e",
                      TextKind::prose),
              "a\n\tb\r\nc\u202e");
}

TEST(WireText, RemovesIllFormedUtf8) {
    EXPECT_EQ(cleaned("a\xff\xfe"
                      "b"),
              "ab");
    EXPECT_EQ(cleaned("\xc0\xaf"), "");          // overlong
    EXPECT_EQ(cleaned("\xed\xa0\x80"), "");      // surrogate
    EXPECT_EQ(cleaned("\xf4\x90\x80\x80"), "");  // past U+10FFFF
    EXPECT_EQ(cleaned("x\xe2\x82"), "x");        // cut off
    EXPECT_EQ(cleaned("\xe2\x82z"), "z");        // interrupted
}

TEST(WireText, CutsBetweenCharacters) {
    std::string text = "ab\u20ac";
    EXPECT_FALSE(cut(text, 5));
    EXPECT_TRUE(cut(text, 4));
    EXPECT_EQ(text, "ab");
    std::string raw(8, '\x80');
    EXPECT_TRUE(cut(raw, 5));
    EXPECT_EQ(raw.size(), 5U);
}

TEST(WireText, RemovesQueryValues) {
    EXPECT_EQ(without_query_values("/v1/x"), "/v1/x");
    EXPECT_EQ(without_query_values("/v1/x?key=abc&alt=sse"), "/v1/x?key=&alt=");
    EXPECT_EQ(without_query_values("/v1/x?beta=true&&a=b=c"), "/v1/x?beta=&a=");
    EXPECT_EQ(without_query_values("/v1/x?opaque"), "/v1/x?");
    EXPECT_EQ(without_query_values("/v1/x?a=1#key=secret"), "/v1/x?a=");
    EXPECT_EQ(without_query_values("/v1/x#secret?a=b"), "/v1/x");
    EXPECT_EQ(without_query_values(""), "");
}

TEST(WireText, RemovesUserInformation) {
    EXPECT_EQ(without_query_values("http://user:pw@host:80/v1?k=v"), "http://host:80/v1?k=");
    EXPECT_EQ(without_query_values("/v1/a:b@c?u=http://x@y/"), "/v1/a:b@c?u=");
    EXPECT_EQ(without_user_info("user:p@w@host:443"), "host:443");
    EXPECT_EQ(without_user_info("host"), "host");
}

}  // namespace
}  // namespace llmsnoop::policy
