// Reading a program that lies about itself.
#include "agent/capture/live/stripped/image.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/base/endian.h"
#include "agent/capture/live/stripped/function_starts.h"
#include "agent/capture/live/stripped/function_walk.h"
#include "tests/support/machine_code.h"

namespace llmsnoop::capture::live::stripped {
namespace {

Segment segment(std::uint64_t address, const std::string& bytes, bool executable = false) {
    return {address, base::as_bytes(bytes), executable};
}

TEST(ImageTest, ReadsWithinItsSegmentsOnly) {
    const std::string text("first\0second", 12), code = "code";
    const Image image({segment(0x1000, text), segment(0x2000, code, true)});
    EXPECT_EQ(image.text_at(0x1000, 64), "first");
    EXPECT_EQ(image.text_at(0x1000, 4), std::nullopt);   // longer than asked for
    EXPECT_EQ(image.text_at(0x1006, 64), std::nullopt);  // without its end
    EXPECT_EQ(image.text_at(0x100c, 64), std::nullopt);  // behind it
    EXPECT_EQ(image.text_at(0xfff, 64), std::nullopt);
    EXPECT_EQ(image.at(0x1004, 100).size(), 8U);
    EXPECT_TRUE(image.code_at(0x1000, 4).empty());
    EXPECT_EQ(image.code_at(0x2002, 4).size(), 2U);
}

TEST(ImageTest, AddressesThatWrapAroundAreNotThere) {
    const std::string text(64, 'x');
    const Image image({segment(~std::uint64_t{0} - 10, text)});
    EXPECT_TRUE(image.segments().empty());
    EXPECT_TRUE(image.at(~std::uint64_t{0}, 4).empty());
}

TEST(ImageTest, TextsAreFoundByTheirEnding) {
    const std::string text("\0a/ssl_lib.cc\0ssl_lib.c\0/b/ssl_lib.cc\0ssl_lib.cc2\0", 51);
    const Image image({segment(0x1000, text)});
    EXPECT_EQ(image.texts_ending_in("ssl_lib.cc", 8), (std::vector<std::uint64_t>{0x1001, 0x1018}));
    EXPECT_EQ(image.texts_ending_in("ssl_lib.cc", 1).size(), 1U);
    EXPECT_TRUE(image.texts_ending_in("ssl_lib.cpp", 8).empty());
    EXPECT_TRUE(image.holds("lib.cc2"));
    EXPECT_FALSE(image.holds("lib.cc3"));
}

TEST(ImageTest, TooMuchIsRefused) {
    const std::string text(16, 'x');
    std::vector<Segment> many;
    for (std::uint64_t i = 0; i <= Image::kMaxSegments; ++i)
        many.push_back(segment(0x1000 * (i + 1), text));
    EXPECT_FALSE(Image(many).fits());
    many.pop_back();
    EXPECT_TRUE(Image(many).fits());
    // Many segments that are the same large piece of the file.
    const std::string large(64U << 20, 'x');
    EXPECT_FALSE(Image(std::vector<Segment>(5, segment(0x1000, large, true))).fits());
    EXPECT_TRUE(Image(std::vector<Segment>(5, segment(0x1000, large))).fits());
}

TEST(FunctionStartsTest, KnowsTheNearestBefore) {
    support::MachineCode code;
    code.function("a");
    code.call("b");
    code.call("c");
    code.call("a");
    code.ret();
    code.fill(700);
    code.function("b");
    code.fill(40);
    code.function("c");
    code.fill(8);
    code.link();
    const Image image({{code.code_at(), code.code(), true}});
    const FunctionStarts starts(image, *x86_64_machine());
    EXPECT_TRUE(starts.contains(code.at("b")));
    EXPECT_FALSE(starts.contains(code.at("b") + 1));
    EXPECT_FALSE(starts.contains(0));
    EXPECT_EQ(starts.last_before(code.at("b"), 0), code.at("b"));
    EXPECT_EQ(starts.last_before(code.at("b") - 1, 0), code.at("a"));
    EXPECT_EQ(starts.last_before(code.at("b") - 1, code.at("a") + 1), std::nullopt);
    EXPECT_EQ(starts.last_before(code.at("c") + 7, 0), code.at("c"));
    EXPECT_EQ(starts.last_before(code.at("c") + 8, 0), std::nullopt);  // no longer in the segment
    EXPECT_EQ(starts.last_before(code.at("a"), code.at("b")), std::nullopt);
}

// .eh_frame_hdr: version 1, encodings, address of .eh_frame, count, pairs of a function and its description.
std::vector<std::uint8_t> unwind_table(std::uint64_t at, std::uint32_t count,
                                       const std::vector<std::uint64_t>& starts) {
    std::vector<std::uint8_t> out{1, 0x1b, 0x03, 0x3b};
    const auto put = [&](std::uint32_t value) {
        out.resize(out.size() + 4);
        base::store_le(out.data() + out.size() - 4, value);
    };
    put(0);
    put(count);
    for (const std::uint64_t start : starts) {
        put(static_cast<std::uint32_t>(start - at));
        put(0);
    }
    return out;
}

TEST(FunctionStartsTest, ReadsTheUnwindTable) {
    const std::vector<std::uint8_t> code(256, 0xc3);
    auto table = unwind_table(0x1000, 0xffffffff, {0x2003, 0x2080, 0x9000, 0x10});  // the count lies
    const Image image({{0x1000, table, false}, {0x2000, code, true}}, {.unwind = 0x1000, .dynamic = {}});
    const FunctionStarts starts(image, *x86_64_machine());
    EXPECT_TRUE(starts.contains(0x2003));
    EXPECT_TRUE(starts.contains(0x2080));
    EXPECT_FALSE(starts.contains(0x9000));
    table[3] = 0x1b;  // another encoding
    EXPECT_FALSE(
        FunctionStarts(Image({{0x1000, table, false}, {0x2000, code, true}}, {.unwind = 0x1000, .dynamic = {}}),
                       *x86_64_machine())
            .contains(0x2003));
    EXPECT_FALSE(FunctionStarts(Image({{0x2000, code, true}}, {.unwind = 0x1000, .dynamic = {}}), *x86_64_machine())
                     .contains(0x2003));
}

TEST(FunctionWalkTest, EndsInAnyCode) {
    const auto machine = x86_64_machine();
    std::uint32_t state = 7;
    for (int round = 0; round < 300; ++round) {
        std::vector<std::uint8_t> code(2048);
        for (auto& byte : code)
            byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
        const Image image({{0x1000, code, true}});
        const FunctionStarts starts(image, *machine);
        Budget budget(20'000);
        const Function function = walk_function(image, *machine, starts, 0x1000, budget);
        for (const std::uint64_t one : function.instructions)
            EXPECT_LT(one - 0x1000, code.size());
    }
}

TEST(FunctionWalkTest, KnowsWhatEachPathBrings) {
    using M = support::MachineCode;
    M code;
    code.function("f");
    code.set(M::rdi, 1);
    code.jump_if_zero("other");
    code.set(M::rdi, 2);
    code.label("other");
    code.copy(M::rsi, M::rdi);
    code.call("g");  // with 1 and with 2
    code.call("g");  // with nothing that is known
    code.jump("f");  // a loop, not another function
    code.function("g");
    code.ret();
    code.link();
    const auto machine = x86_64_machine();
    const Image image({{code.code_at(), code.code(), true}});
    Budget budget;
    const Function function = walk_function(image, *machine, FunctionStarts(image, *machine), code.at("f"), budget);
    std::set<std::pair<std::uint64_t, std::uint64_t>> known;
    for (const Call& one : function.calls) {
        EXPECT_EQ(one.target, code.at("g"));
        if (one.arguments[0].kind == Value::Kind::constant) known.emplace(one.arguments[0].bits, one.arguments[1].bits);
    }
    EXPECT_EQ(known, (std::set<std::pair<std::uint64_t, std::uint64_t>>{{1, 1}, {2, 2}}));
    EXPECT_EQ(function.calls.size(), 3U);
    EXPECT_TRUE(function.whole);
}

}  // namespace
}  // namespace llmsnoop::capture::live::stripped
