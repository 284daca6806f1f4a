#include "agent/base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmsnoop::base {
namespace {

// "0041 00e9 !1": code points, and how long each ill-formed part is.
std::string describe(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const CodePoint one = decode_utf8(text);
        char shown[16];
        std::snprintf(shown, sizeof shown, one.valid ? "%04x" : "!%x",
                      one.valid ? static_cast<unsigned>(one.value) : one.length);
        out += (out.empty() ? "" : " ") + std::string(shown);
        text.remove_prefix(one.length);
    }
    return out;
}

TEST(Utf8Test, DecodesEveryLength) {
    EXPECT_EQ(describe("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "0041 00e9 20ac 1f600");
    EXPECT_EQ(describe(std::string_view("\0", 1)), "0000");
    EXPECT_EQ(describe("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
              "007f 0080 07ff 0800 ffff 10000 10ffff");
}

// Unicode 15, table 3-8: U+FFFD for each maximal subpart of an ill-formed sequence.
TEST(Utf8Test, SkipsTheMaximalIllFormedPart) {
    EXPECT_EQ(describe("\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"), "!3 !2 !1 0062 !1 0063 !1 !1 0064");
    EXPECT_EQ(describe("\xc0\xaf"), "!1 !1");                // overlong
    EXPECT_EQ(describe("\xe0\x80\xbf"), "!1 !1 !1");         // overlong
    EXPECT_EQ(describe("\xed\xa0\x80"), "!1 !1 !1");         // a surrogate
    EXPECT_EQ(describe("\xf4\x91\x92\x93"), "!1 !1 !1 !1");  // beyond U+10FFFF
    EXPECT_EQ(describe("\xff\xe2\x82"), "!1 !2");            // never a byte of UTF-8; cut by the end
}

TEST(Utf8Test, APrefixDoesNotEndInsideASequence) {
    const std::string_view text = "a\xe2\x82\xac\xf0\x9f\x98\x80";
    const std::vector<std::size_t> lengths{0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (std::size_t limit = 0; limit < lengths.size(); ++limit)
        EXPECT_EQ(utf8_prefix(text, limit).size(), lengths[limit]) << limit;
}

}  // namespace
}  // namespace llmsnoop::base
