// Text of others on its way to a terminal or a log.
#include "agent/base/printable.h"

#include <gtest/gtest.h>

#include "agent/base/log.h"

namespace llmsnoop::base {
namespace {

TEST(Printable, EscapesWhatATerminalObeys) {
    EXPECT_EQ(printable("\x1b[31mEVIL"), "\\x1b[31mEVIL");
    EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
    EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // U+009B, the one-byte CSI
    EXPECT_EQ(printable("\x9b"), "\\x9b");           // the same without UTF-8
    EXPECT_EQ(printable("\xc3"), "\\xc3");
}

TEST(Printable, LeavesTextAlone) {
    for (const char* text :
         {"", "python3", "/usr/lib/x y", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\\x1b", "\xc2\xa0"})
        EXPECT_EQ(printable(text), text);
}

TEST(Log, AMessageIsOneLineWhateverItNames) {
    testing::internal::CaptureStderr();
    log::warn("{}: cannot be read", std::string("/tmp/a\n2026 error forged\x1b[2J"));
    const std::string shown = testing::internal::GetCapturedStderr();
    EXPECT_NE(shown.find("/tmp/a\\n2026 error forged\\x1b[2J: cannot be read\n"), std::string::npos) << shown;
    EXPECT_EQ(shown.find('\n'), shown.size() - 1);
}

}  // namespace
}  // namespace llmsnoop::base
