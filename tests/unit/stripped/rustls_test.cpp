// The rules by which rustls' functions are found, on programs made for the purpose: found where the tables belong
// together in one way, refused with a reason where they do not.
#include "agent/capture/live/stripped/rustls.h"

#include <gtest/gtest.h>

#include <random>

#include "agent/capture/live/stripped/pointers.h"
#include "tests/support/small_rustls.h"

namespace llmsnoop::capture::live::stripped {
namespace {

using support::SmallRustls;
using Addresses = std::vector<std::uint64_t>;

class RustlsTest : public testing::TestWithParam<SmallRustls::Pointers> {
 protected:
    base::Result<RustlsFunctions> find(std::uint64_t instructions = Budget::kInstructions) {
        Budget budget(instructions);
        return find_rustls_functions(program.image(), *machine, budget);
    }
    void expect_found(const std::vector<std::string>& names) {
        const auto found = find();
        ASSERT_TRUE(found) << found.error().message;
        Addresses encrypt, decrypt;
        for (const std::string& one : names) {
            encrypt.push_back(program.code.at("encrypt " + one));
            decrypt.push_back(program.code.at("decrypt " + one));
        }
        std::sort(encrypt.begin(), encrypt.end());
        std::sort(decrypt.begin(), decrypt.end());
        EXPECT_EQ(found->encrypt, encrypt);
        EXPECT_EQ(found->decrypt, decrypt);
    }
    void expect_refused(const std::string& why) {
        const auto found = find();
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().message, why);
    }

    SmallRustls program{GetParam()};
    const std::unique_ptr<const Machine> machine = x86_64_machine();
};

INSTANTIATE_TEST_SUITE_P(Pointers, RustlsTest,
                         testing::Values(SmallRustls::Pointers::in_place, SmallRustls::Pointers::rela,
                                         SmallRustls::Pointers::relr));

TEST_P(RustlsTest, IsFound) {
    program.pair("1.3");
    expect_found({"1.3"});
}

TEST_P(RustlsTest, EachKindOfCipherIsFound) {
    program.pair("1.2", 0x30, "length 12");
    program.gap(1);
    program.pair("1.3");
    program.gap(40);
    program.pair("another library's", 0x230);
    expect_found({"1.2", "1.3", "another library's"});
}

TEST_P(RustlsTest, OneFunctionMayBeInSeveralTables) {
    program.pair("1.3");
    program.gap(40);
    program.decrypter("decrypt other", 0x30);
    program.gap(3);
    program.pointer("drop");
    program.word(0x30);
    program.word(8);
    program.pointer("encrypt 1.3");
    program.pointer("length 13");
    const auto found = find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->encrypt.size(), 1U);
    EXPECT_EQ(found->decrypt.size(), 2U);
}

TEST_P(RustlsTest, AnObjectThatNothingDropsIsFound) {
    program.function("encrypt it");
    program.function("decrypt it");
    for (const char* name : {"decrypt it", "encrypt it"}) {
        program.word(0);
        program.word(0x230);
        program.word(16);
        program.pointer(name);
    }
    program.pointer("length 13");
    expect_found({"it"});
}

TEST_P(RustlsTest, WhatDropsThemMayBeTwoFunctions) {
    program.function("decrypt it");
    program.function("encrypt it");
    program.pointer("other");
    program.word(0x30);
    program.word(8);
    program.pointer("decrypt it");
    program.gap(3);
    program.pointer("drop");
    program.word(0x30);
    program.word(8);
    program.pointer("encrypt it");
    program.pointer("length 13");
    expect_found({"it"});
}

TEST_P(RustlsTest, OtherTablesNearbyAreNoDecrypters) {
    program.decrypter("of another size", 0x40);
    program.decrypter("of another alignment", 0x28, 4);
    program.pair("1.3");
    program.encrypter("no encrypter: it adds nothing", 0x28, "other");
    expect_refused("2 tables could be the decrypter's beside an encrypter, one is needed");  // but that one could be
}

TEST_P(RustlsTest, AnEncrypterWithoutADecrypterIsRefused) {
    program.encrypter("encrypt");
    expect_refused("0 tables could be the decrypter's beside an encrypter, one is needed");
    program.gap(20);
    program.decrypter("too far away");
    expect_refused("0 tables could be the decrypter's beside an encrypter, one is needed");
}

TEST_P(RustlsTest, TwoDecryptersAreRefused) {
    program.decrypter("first");
    program.pair("1.3");
    expect_refused("2 tables could be the decrypter's beside an encrypter, one is needed");
}

TEST_P(RustlsTest, AFunctionThatIsBothIsRefused) {
    program.decrypter("both");
    program.gap(3);
    program.pointer("drop");
    program.word(0x28);
    program.word(8);
    program.pointer("both");
    program.pointer("length 13");
    expect_refused("one function could be an encrypter's and a decrypter's");
}

TEST_P(RustlsTest, TablesWithoutSenseAreNone) {
    for (const auto& [size, alignment] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {0, 8}, {0x28, 0}, {0x28, 3}, {0x2c, 8}, {0x28, 128}, {1U << 20, 8}}) {
        program.encrypter("encrypt " + std::to_string(size * 1000 + alignment), size, "length 13", alignment);
        program.gap(40);
    }
    expect_refused("no table was found that could be an encrypter's");
}

TEST_P(RustlsTest, WhatPointsOutsideOfTheCodeIsNone) {
    program.code.text("data", "no code");
    program.pointer("drop");
    program.word(0x28);
    program.word(8);
    program.pointer("data");
    program.pointer("length 13");
    expect_refused("no table was found that could be an encrypter's");
}

TEST_P(RustlsTest, TooManyTablesAreRefused) {
    for (int i = 0; i < 40; ++i)
        program.pair(std::to_string(i));
    expect_refused("too many tables could be those of encrypters");
}

// Pointers that stand in their place take one pass over the data, and no budget.
using RustlsRelocationsTest = RustlsTest;
INSTANTIATE_TEST_SUITE_P(Relocations, RustlsRelocationsTest,
                         testing::Values(SmallRustls::Pointers::rela, SmallRustls::Pointers::relr));

TEST_P(RustlsRelocationsTest, ItEndsWithItsBudget) {
    program.pair("1.3");
    for (const std::uint64_t budget : {1U, 5U, 8U}) {
        const auto found = find(budget);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().message, "its tables take too long to follow");
    }
}

TEST(RustlsWithoutTablesTest, SaysWhatIsMissing) {
    support::MachineCode code;
    code.function("main");
    code.ret();
    code.link();
    Budget budget;
    const auto found = find_rustls_functions(Image({{code.code_at(), code.code(), true}}), *x86_64_machine(), budget);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message, "no function was found that says how long a record becomes");
}

// --- pointers

TEST(PointersTest, RelocationsThatLieEnd) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 500; ++round) {
        SmallRustls program(round % 2 == 0 ? SmallRustls::Pointers::rela : SmallRustls::Pointers::relr);
        program.pair("1.3");
        const Image honest = program.image();
        std::vector<std::uint8_t> lies(honest.segments()[1].bytes.begin(), honest.segments()[1].bytes.end());
        for (int i = 0; i < 6; ++i)
            lies[lies.size() - 1 - random() % 400] = static_cast<std::uint8_t>(random());
        const Image image({honest.segments()[0], {SmallRustls::kTablesAt, lies, false}}, honest.tables());
        Budget budget(10'000);
        if (const auto found = find_rustls_functions(image, *x86_64_machine(), budget)) {
            for (const std::uint64_t one : found->encrypt)
                EXPECT_FALSE(image.code_at(one, 1).empty());
        }
    }
}

TEST(PointersTest, ABitForEachOf63Words) {
    SmallRustls program(SmallRustls::Pointers::relr);
    for (int i = 0; i < 200; ++i)
        program.pointer(i % 3 == 0 ? "other" : "drop");
    const Image image = program.image();
    std::vector<std::uint64_t> places;
    Budget budget;
    EXPECT_TRUE(each_pointer(image, program.code.at("other"), program.code.at("other"), budget,
                             [&](Pointer one) { places.push_back(one.place); }));
    ASSERT_EQ(places.size(), 67U);
    for (std::size_t i = 0; i < places.size(); ++i)
        EXPECT_EQ(places[i], SmallRustls::kTablesAt + (32 + 3 * i) * 8);
}

}  // namespace
}  // namespace llmsnoop::capture::live::stripped
