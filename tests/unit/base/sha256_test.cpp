#include "agent/base/sha256.h"

#include <gtest/gtest.h>

namespace llmsnoop::base {
namespace {

// FIPS 180-4, the examples that NIST publishes with it.
constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr const char* kTwoBlocksHash = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

TEST(Sha256Test, TheExamplesOfTheStandard) {
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex(kTwoBlocks), kTwoBlocksHash);
}

TEST(Sha256Test, HowAMessageIsCutMakesNoDifference) {
    for (std::size_t cut = 0; cut <= kTwoBlocks.size(); ++cut) {
        Sha256 hash;
        hash.update(kTwoBlocks.substr(0, cut));
        Sha256 moved = std::move(hash);
        moved.update(kTwoBlocks.substr(cut));
        EXPECT_EQ(moved.size(), kTwoBlocks.size());
        EXPECT_EQ(moved.finish_hex(), kTwoBlocksHash) << cut;
    }
}

}  // namespace
}  // namespace llmsnoop::base
