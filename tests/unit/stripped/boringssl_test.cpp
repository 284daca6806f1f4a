// The rules by which BoringSSL's functions are told apart, on programs made for the purpose: found where they hold,
// refused with a reason where they do not.
#include "agent/capture/live/stripped/boringssl.h"

#include <gtest/gtest.h>

#include "tests/support/machine_code.h"

namespace llmsnoop::capture::live::stripped {
namespace {

using support::MachineCode;
using support::SmallBoringssl;
using testing::Test;

class BoringsslTest : public Test {
 protected:
    base::Result<BoringsslFunctions> find(MachineCode& code, std::uint64_t instructions = Budget::kInstructions) {
        code.link();
        const Image image({{code.code_at(), code.code(), true}, {code.data_at(), code.data(), false}});
        Budget budget(instructions);
        return find_boringssl_functions(image, *machine, find_anchors(image, kBoringsslAnchor), budget);
    }
    void expect_found(MachineCode& code) {
        const auto found = find(code);
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(found->read, code.at("SSL_read"));
        EXPECT_EQ(found->write, code.at("SSL_write"));
        EXPECT_EQ(found->create, code.at("SSL_new"));
    }
    void expect_refused(MachineCode& code, const std::string& why) {
        const auto found = find(code);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().message, why);
    }

    const std::unique_ptr<const Machine> machine = x86_64_machine();
};

TEST_F(BoringsslTest, IsFoundWhereAddressesAreAbsolute) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    expect_found(code);
}

TEST_F(BoringsslTest, IsFoundInAPositionIndependentProgram) {
    MachineCode code(0x1000, 0x200000, MachineCode::Addresses::relative);
    SmallBoringssl{}.put(code);
    expect_found(code);
    MachineCode data_behind(0x5000, 0x1000, MachineCode::Addresses::relative);
    SmallBoringssl{}.put(data_behind);
    expect_found(data_behind);
}

TEST_F(BoringsslTest, IsFoundWhereAnArgumentWasOptimisedAway) {
    MachineCode code;
    SmallBoringssl library;
    library.drops_argument = true;
    library.put(code);
    expect_found(code);
}

TEST_F(BoringsslTest, LinesMayBeAnything) {
    MachineCode code;
    SmallBoringssl library;
    library.first_line = 41;
    library.put(code);
    expect_found(code);
}

TEST_F(BoringsslTest, TwoCopiesAreRefused) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    SmallBoringssl second;
    second.prefix = "second ";
    second.put(code);
    expect_refused(code, "2 functions could be SSL_write, one is needed");
}

TEST_F(BoringsslTest, TwoCopiesThatShareTheirTextAreRefused) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    SmallBoringssl second;
    second.prefix = "second ";
    second.file_label = "file";  // as linkers merge equal texts
    second.put(code);
    expect_refused(code, "2 functions could be SSL_write, one is needed");
}

TEST_F(BoringsslTest, OtherReasonsAreRefused) {
    MachineCode code;
    SmallBoringssl library;
    library.write_reason = 112;
    library.put(code);
    expect_refused(code, "0 functions could be SSL_write, one is needed");
}

TEST_F(BoringsslTest, APeekThatLooksLikeAReadIsRefused) {
    MachineCode code;
    SmallBoringssl library;
    library.peek_stores = true;
    library.put(code);
    expect_refused(code, "2 functions could be SSL_read, one is needed");
}

TEST_F(BoringsslTest, FunctionsThatNobodyCallsDirectlyAreNotFound) {
    MachineCode code;
    SmallBoringssl{}.put(code);
    code.link();
    // The calls of "user", one after the other, become something else.
    auto& bytes = code.code();
    for (std::size_t at = code.at("user") - code.code_at(); at + 5 <= bytes.size() && bytes[at] == 0xe8; at += 5)
        bytes[at] = 0x3d;  // cmp eax, imm32
    EXPECT_FALSE(find(code));
}

TEST_F(BoringsslTest, ATextWithoutCodeIsRefused) {
    MachineCode code;
    code.text("file", "boringssl/ssl/ssl_lib.cc");
    code.function("main");
    code.ret();
    expect_refused(code, "no function was found that reports errors of ssl/ssl_lib.cc");
}

TEST_F(BoringsslTest, ItEndsWithItsBudget) {
    for (const std::uint64_t budget : {1U, 10U, 50U}) {
        MachineCode code;
        SmallBoringssl{}.put(code);
        const auto found = find(code, budget);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().message, "its code takes too long to follow");
    }
}

}  // namespace
}  // namespace llmsnoop::capture::live::stripped
