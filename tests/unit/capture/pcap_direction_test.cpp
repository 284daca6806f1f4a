// Sequence numbers become offsets.
#include "agent/capture/tcp_direction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace llmsnoop::capture {
namespace {

TEST(TcpDirection, OffsetsGoOnWhereSequenceNumbersWrapAround) {
    TcpDirection bytes;
    bytes.begin(0xffff'ff00, 0);
    std::uint64_t at = 0;
    std::uint32_t sequence = 0xffff'ff00;
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_EQ(bytes.place(sequence), static_cast<std::int64_t>(at));
        bytes.saw(at, at + 1'000'000);
        at += 1'000'000;
        sequence += 1'000'000;
        ASSERT_EQ(bytes.place(sequence - 3'000'000), static_cast<std::int64_t>(at) - 3'000'000);
    }
    EXPECT_EQ(bytes.contiguous(), 20'000'000'000U);
}

TEST(TcpDirection, BytesFromBeforeTheBeginningHaveNegativeOffsets) {
    TcpDirection bytes;
    bytes.begin(5, 0);
    EXPECT_EQ(bytes.place(4), -1);
    EXPECT_EQ(bytes.place(0xffff'fff0), -21);
}

TEST(TcpDirection, NoPlaceUnderflowsWhereTheBeginningWasNotSeen) {
    TcpDirection bytes;
    bytes.begin(5, TcpDirection::kJoinedAt);
    EXPECT_GE(bytes.place(5 + 0x8000'0000U), 0);
    EXPECT_GE(bytes.place(4), 0);
}

TEST(TcpDirection, IsWholeWhenEveryByteUpToTheEndWasSeenInWhateverOrder) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        TcpDirection bytes;
        bytes.begin(100, 0);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> parts;
        for (std::uint64_t at = 0; at < 1000;) {
            const std::uint64_t size = std::min<std::uint64_t>(1 + random() % 30, 1000 - at);
            parts.emplace_back(at, at + size);
            const std::uint64_t overlap = random() % 20;
            parts.emplace_back(at > overlap ? at - overlap : 0, std::min<std::uint64_t>(at + size + overlap, 1000));
            at += size;
        }
        std::shuffle(parts.begin(), parts.end(), random);
        std::vector<bool> seen(1001);
        bool ended = false;
        for (const auto& [begin, end] : parts) {
            bytes.saw(begin, end);
            std::fill(seen.begin() + static_cast<std::ptrdiff_t>(begin),
                      seen.begin() + static_cast<std::ptrdiff_t>(end), true);
            if (!ended && random() % 10 == 0) {
                ASSERT_TRUE(bytes.end_at(1000));
                ended = true;
            }
            const auto hole = static_cast<std::uint64_t>(std::find(seen.begin(), seen.end(), false) - seen.begin());
            ASSERT_EQ(bytes.contiguous(), hole);
            ASSERT_EQ(bytes.whole(), ended && hole == 1000);
        }
        EXPECT_EQ(bytes.contiguous(), 1000U);
    }
}

TEST(TcpDirection, EndThatContradictsTheBytesIsNotBelieved) {
    TcpDirection bytes;
    bytes.begin(0, 0);
    bytes.saw(50, 60);
    EXPECT_FALSE(bytes.end_at(59));
    EXPECT_TRUE(bytes.end_at(60));
    EXPECT_TRUE(bytes.end_at(60));
    EXPECT_FALSE(bytes.end_at(70));
    EXPECT_EQ(bytes.length(), 60U);
    EXPECT_FALSE(bytes.whole());
    bytes.forget_before(55);
    EXPECT_TRUE(bytes.whole());
}

TEST(TcpDirection, IslandsBehindAHoleAreBounded) {
    TcpDirection bytes;
    bytes.begin(0, 0);
    for (std::uint64_t at = 2; at < 2'000'000; at += 2)
        bytes.saw(at, at + 1);
    bytes.saw(0, 2);
    EXPECT_EQ(bytes.contiguous(), 3U);  // no further: what is not known counts as not seen
}

}  // namespace
}  // namespace llmsnoop::capture
