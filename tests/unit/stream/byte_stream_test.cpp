// Scripts for stream::ByteStream: what goes in, what comes out, what is counted.
#include "agent/stream/byte_stream.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace llmsnoop::stream {
namespace {

using model::Loss;
using model::Ordering;
using std::chrono::milliseconds;
using std::chrono::seconds;

base::Time at(base::Duration since_start) {
    return base::Time(since_start);
}

// One direction under test. What came out is kept as text: bytes as they are, a gap as "<length reason>".
class Stream {
 public:
    explicit Stream(Ordering ordering, const Limits& limits = {}) : stream(ordering, losses, limits) {}

    Stream& feed(std::uint64_t offset, std::string_view bytes, base::Duration time = {}) {
        return feed_cut(offset, bytes, bytes.size(), Loss::stream_gap, time);
    }
    Stream& feed_cut(std::uint64_t offset, std::string_view bytes, std::uint64_t length, Loss missing,
                     base::Duration time = {}) {
        stream.feed(model::Chunk{1, model::Direction::sent, offset, at(time), length, base::as_bytes(bytes), missing},
                    [this](const model::StreamItem& item) { note(item); });
        return *this;
    }
    Stream& advance(base::Duration time) {
        stream.advance(at(time), [this](const model::StreamItem& item) { note(item); });
        return *this;
    }
    Stream& end(std::optional<std::uint64_t> length = std::nullopt) {
        stream.end(length, at(seconds(0)), [this](const model::StreamItem& item) { note(item); });
        return *this;
    }
    std::string seen() { return std::exchange(text_, {}); }
    std::uint64_t lost(Loss loss) const { return losses.get(loss); }

    model::LossCounters losses;
    ByteStream stream;
    const std::uint8_t* last_data = nullptr;

 private:
    void note(const model::StreamItem& item) {
        if (const auto* bytes = std::get_if<model::StreamBytes>(&item)) {
            EXPECT_EQ(bytes->offset, next_);
            EXPECT_FALSE(bytes->bytes.empty());
            text_ += base::as_text(bytes->bytes);
            next_ = bytes->offset + bytes->bytes.size();
            last_data = bytes->bytes.data();
        } else {
            const auto& gap = std::get<model::Gap>(item);
            EXPECT_EQ(gap.offset, next_);
            EXPECT_GT(gap.length, 0U);
            text_ += "<" + std::to_string(gap.length) + " " + std::string(model::text_of(gap.reason).name) + ">";
            next_ = gap.offset + gap.length;
        }
    }

    std::string text_;
    std::uint64_t next_ = 0;
};

TEST(ByteStreamInOrder, PassesBytesThroughWithoutCopying) {
    Stream s(Ordering::in_order);
    const std::string_view bytes = "abcdef";
    s.feed(0, bytes);
    EXPECT_EQ(s.seen(), "abcdef");
    EXPECT_EQ(s.last_data, base::as_bytes(bytes).data());
    EXPECT_EQ(s.stream.next_offset(), 6U);
}

TEST(ByteStreamInOrder, AJumpIsAGapAtOnce) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed(0, "abc").feed(10, "xyz").seen(), "abc<7 stream_gap>xyz");
    EXPECT_EQ(s.lost(Loss::stream_gap), 1U);
}

TEST(ByteStreamInOrder, AMissingTailIsAGapWithItsReason) {
    Stream s(Ordering::in_order);
    s.feed_cut(0, "abc", 5, Loss::user_page_unreadable).feed(5, "fg");
    EXPECT_EQ(s.seen(), "abc<2 user_page_unreadable>fg");
    EXPECT_EQ(s.lost(Loss::user_page_unreadable), 0U) << "counted where it arose, not here";
    EXPECT_EQ(s.lost(Loss::stream_gap), 0U);
}

TEST(ByteStreamInOrder, AChunkWithoutAnyBytesIsAllGap) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed_cut(0, "", 9, Loss::ring_full).feed(9, "z").seen(), "<9 ring_full>z");
}

TEST(ByteStreamInOrder, RepeatedBytesAreDroppedInSilence) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed(0, "abcdef").feed(0, "abc").feed(3, "def").feed(4, "EFgh").seen(), "abcdefgh");
    EXPECT_EQ(s.lost(Loss::late_chunk), 0U);
}

TEST(ByteStreamInOrder, BytesForAPlaceGivenUpAreLate) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed(0, "ab").feed(4, "ef").feed(2, "cd").feed(6, "gh").seen(), "ab<2 stream_gap>efgh");
    EXPECT_EQ(s.lost(Loss::late_chunk), 1U);
}

TEST(ByteStreamInOrder, StartsWhereItIsTold) {
    Stream s(Ordering::may_reorder);
    s.stream.start_at(0);
    EXPECT_EQ(s.stream.next_offset(), 0U);
    model::LossCounters losses;
    ByteStream late(Ordering::in_order, losses);
    late.start_at(1000);
    std::string text;
    const auto note = [&](const model::StreamItem& item) {
        text += base::as_text(std::get<model::StreamBytes>(item).bytes);
    };
    late.feed(model::Chunk{1, model::Direction::sent, 990, {}, 13, base::as_bytes("0123456789abc"), {}}, note);
    EXPECT_EQ(text, "abc");
    EXPECT_EQ(losses.get(Loss::late_chunk), 0U);
}

TEST(ByteStreamInOrder, AGapThatTheConsumerAskedForIsNoLoss) {
    Stream s(Ordering::in_order);
    s.feed(0, "ab");
    s.stream.expect_gap_until(10);
    EXPECT_EQ(s.feed(10, "kl").seen(), "ab<8 stream_gap>kl");
    EXPECT_EQ(s.lost(Loss::stream_gap), 0U);
    EXPECT_EQ(s.feed(20, "uv").seen(), "<8 stream_gap>uv");
    EXPECT_EQ(s.lost(Loss::stream_gap), 1U);
}

TEST(ByteStreamReordered, HoldsUntilTheHoleIsFilled) {
    Stream s(Ordering::may_reorder);
    EXPECT_EQ(s.feed(3, "def").seen(), "");
    EXPECT_EQ(s.feed(9, "jkl").seen(), "");
    EXPECT_EQ(s.feed(0, "abc").seen(), "abcdef");
    EXPECT_EQ(s.feed(6, "ghi").seen(), "ghijkl");
    EXPECT_EQ(s.lost(Loss::stream_gap), 0U);
}

TEST(ByteStreamReordered, TheFirstCopyWins) {
    Stream s(Ordering::may_reorder);
    s.feed(2, "CD").feed(6, "GH");
    EXPECT_EQ(s.feed(0, "abcdefghij").seen(), "abCDefGHij");
    EXPECT_EQ(s.feed(5, "xxxxxxx").seen(), "xx") << "only what is new";
}

TEST(ByteStreamReordered, RetransmissionsAreNoLoss) {
    Stream s(Ordering::may_reorder);
    s.feed(0, "abc").feed(0, "abc").feed(5, "fg").feed(5, "fg").feed(3, "de").feed(3, "de");
    EXPECT_EQ(s.seen(), "abcdefg");
    for (std::size_t i = 0; i < model::kLossCount; ++i)
        EXPECT_EQ(s.lost(static_cast<Loss>(i)), 0U);
}

TEST(ByteStreamReordered, AHoleBecomesAGapAfterTheWaitingTime) {
    Stream s(Ordering::may_reorder);
    s.feed(0, "ab").feed(4, "ef", seconds(1)).feed(6, "gh", seconds(3));
    EXPECT_EQ(s.seen(), "ab");
    EXPECT_EQ(s.feed(8, "ij", seconds(4) + milliseconds(1)).seen(), "<2 stream_gap>efghij");
    EXPECT_EQ(s.lost(Loss::stream_gap), 1U);
    EXPECT_EQ(s.feed(2, "cd", seconds(5)).seen(), "");
    EXPECT_EQ(s.lost(Loss::late_chunk), 1U);
}

TEST(ByteStreamReordered, AHoleBecomesAGapWhenOnlyTheClockMoves) {
    Stream s(Ordering::may_reorder);
    s.feed(2, "c", seconds(1)).advance(seconds(4));
    EXPECT_EQ(s.seen(), "");
    EXPECT_EQ(s.advance(seconds(5)).seen(), "<2 stream_gap>c");
}

TEST(ByteStreamReordered, ARetransmissionAfterALongPauseStillFillsTheHole) {
    Stream s(Ordering::may_reorder);
    s.feed(0, "ab").feed(4, "ef", seconds(1));
    EXPECT_EQ(s.feed(2, "cd", seconds(60)).seen(), "abcdef");
}

TEST(ByteStreamReordered, AStraySegmentFarAheadDoesNotMakeALiveStreamJump) {
    Stream s(Ordering::may_reorder);
    s.feed(1U << 30, "spoofed", seconds(1));
    for (unsigned i = 0; i < 100; ++i)
        s.feed(i, "x", seconds(1 + i));
    EXPECT_EQ(s.seen(), std::string(100, 'x'));
    EXPECT_EQ(s.end(100).seen(), "");
    EXPECT_EQ(s.lost(Loss::stream_gap), 0U);
}

TEST(ByteStreamReordered, TheLimitOfBytesGivesUpTheHole) {
    Limits limits;
    limits.waiting_bytes = 8;
    Stream s(Ordering::may_reorder, limits);
    s.feed(1, "12345678");
    EXPECT_EQ(s.seen(), "");
    EXPECT_EQ(s.feed(9, "9").seen(), "<1 reorder_limit>123456789");
    EXPECT_EQ(s.lost(Loss::reorder_limit), 1U);
}

TEST(ByteStreamReordered, TheLimitOfChunksGivesUpTheHole) {
    Limits limits;
    limits.waiting_chunks = 3;
    Stream s(Ordering::may_reorder, limits);
    s.feed(1, "a").feed(3, "b").feed(5, "c");
    EXPECT_EQ(s.seen(), "");
    EXPECT_EQ(s.feed(7, "d").seen(), "<1 reorder_limit>a");
    EXPECT_EQ(s.end().seen(), "<1 stream_gap>b<1 stream_gap>c<1 stream_gap>d");
}

TEST(ByteStreamReordered, AMissingTailWaitsInItsPlace) {
    Stream s(Ordering::may_reorder);
    s.feed_cut(4, "ef", 6, Loss::packet_truncated).feed(10, "kl");
    EXPECT_EQ(s.feed(0, "abcd").seen(), "abcdef<4 packet_truncated>kl");
    EXPECT_EQ(s.lost(Loss::packet_truncated), 0U);
}

TEST(ByteStreamEnd, WhatWaitsComesOutWithItsGaps) {
    Stream s(Ordering::may_reorder);
    EXPECT_EQ(s.feed(0, "ab").feed(4, "ef").feed(8, "ij").end().seen(), "ab<2 stream_gap>ef<2 stream_gap>ij");
}

TEST(ByteStreamEnd, BytesBeforeTheEndThatWereNeverSeenAreAGap) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed(0, "ab").end(5).seen(), "ab<3 stream_gap>");
    EXPECT_EQ(s.end(5).seen(), "") << "only once";
    EXPECT_EQ(s.lost(Loss::stream_gap), 1U);
}

TEST(ByteStreamEnd, BytesBehindTheEndAreDropped) {
    Stream s(Ordering::may_reorder);
    EXPECT_EQ(s.feed(0, "ab").feed(1'000'000, "zz").end(2).seen(), "ab");
}

TEST(ByteStreamHostile, OffsetsAndLengthsThatOverflowAreClamped) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    for (const Ordering ordering : {Ordering::in_order, Ordering::may_reorder}) {
        Stream s(ordering);
        s.feed_cut(0, "a", kMax, Loss::call_limit)
            .feed(5, "x")
            .feed(kMax, "y")
            .feed_cut(kMax - 1, "z", kMax, Loss::ring_full);
        s.end(kMax);
        EXPECT_EQ(s.seen(), "a<18446744073709551614 call_limit>");
        EXPECT_EQ(s.stream.next_offset(), kMax);
    }
}

TEST(ByteStreamHostile, AHugeOffsetThatWaitsCostsNothing) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    Stream s(Ordering::may_reorder);
    s.feed_cut(kMax - 3, "abc", kMax, Loss::ring_full).feed(0, "in order");
    EXPECT_EQ(s.seen(), "in order");
    EXPECT_EQ(s.end(8).seen(), "");
}

TEST(ByteStreamHostile, TimesMayBeAnything) {
    Stream s(Ordering::may_reorder);
    s.feed(4, "e", base::Duration::min()).feed(8, "i", base::Duration::max()).feed(0, "a", base::Duration::min());
    s.end();
    EXPECT_EQ(s.seen(), "<4 stream_gap>e<3 stream_gap>i");
}

TEST(ByteStreamHostile, ALengthSmallerThanTheBytesIsIgnored) {
    Stream s(Ordering::in_order);
    EXPECT_EQ(s.feed_cut(0, "abc", 1, Loss::ring_full).feed(3, "d").seen(), "abcd");
}

}  // namespace
}  // namespace llmsnoop::stream
