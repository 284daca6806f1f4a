// Payload into the ring: size classes, limits, holes in memory, a full ring, and when the reader is woken.
#include <algorithm>
#include <random>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr std::uint64_t kConnection = 0x8000'0000'0000'0001;
constexpr std::size_t kPieceMax = 65536;

std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>(i * 7 + i / 251);
    return out;
}

class PayloadTest : public BpfTest {
 protected:
    void emit(const std::string& bytes, std::uint64_t offset = 0) {
        native_emit_payload(kConnection, WIRE_RECEIVED, offset, address(bytes.data()), bytes.size());
    }
    // From an address where there is nothing.
    void emit_unbacked(std::uint64_t length) {
        constexpr std::uintptr_t kNowhere = 4096;
        kernel.make_unreadable(reinterpret_cast<const void*>(kNowhere), CALL_LIMIT_MAX);
        native_emit_payload(kConnection, WIRE_SENT, 0, kNowhere, length);
    }
};

std::size_t size_class(std::size_t captured) {
    std::size_t space = 256;
    while (space < captured)
        space *= 2;
    return space;
}

class SizeTest : public PayloadTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(SizeTest, ComesOutWholeInTheSmallestRecords) {
    kernel.make_rings(1, 16U << 20);
    const std::string bytes = pattern(GetParam());
    emit(bytes, 1000);
    std::string got;
    for (const Record& record : take()) {
        const auto data = record.as<wire_data>();
        EXPECT_EQ(data.header.version, LLMSNOOP_WIRE_VERSION);
        EXPECT_EQ(data.header.direction, WIRE_RECEIVED);
        EXPECT_EQ(data.header.flags, WIRE_MISSING_NOTHING);
        EXPECT_EQ(data.connection, kConnection);
        EXPECT_EQ(data.offset, 1000 + got.size());
        EXPECT_EQ(data.length, data.captured);
        EXPECT_EQ(data.header.size, record.bytes.size());
        EXPECT_EQ(record.bytes.size(), sizeof data + size_class(data.captured));
        got += record.payload();
    }
    EXPECT_TRUE(got == bytes);
}

std::vector<std::size_t> sizes() {
    std::vector<std::size_t> out{0, 1, 2 << 20, 5'000'000, 8U << 20};
    for (std::size_t space = 256; space <= 2 * kPieceMax; space *= 2) {
        out.insert(out.end(), {space - 1, space, space + 1});
    }
    return out;
}
INSTANTIATE_TEST_SUITE_P(AtEveryBoundary, SizeTest, testing::ValuesIn(sizes()));

TEST_F(PayloadTest, WhatIsBeyondTheLimitOfACallIsCountedAndSaid) {
    kernel.knobs().call_limit = 1000;
    emit(pattern(1000));
    EXPECT_EQ(losses(WIRE_LOSS_CALL_LIMIT), 0U);
    take();
    emit(pattern(5000));
    EXPECT_EQ(losses(WIRE_LOSS_CALL_LIMIT), 1U);
    const auto records = take();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 5000U);
    EXPECT_EQ(records[0].as<wire_data>().captured, 1000U);
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_CALL_LIMIT);
}

TEST_F(PayloadTest, TheLimitMayLieInALaterPiece) {
    kernel.knobs().call_limit = 100'000;
    emit(pattern(200'000));
    const auto records = take();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].as<wire_data>().length, kPieceMax);
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_NOTHING);
    EXPECT_EQ(records[1].as<wire_data>().offset, kPieceMax);
    EXPECT_EQ(records[1].as<wire_data>().length, 200'000 - kPieceMax);
    EXPECT_EQ(records[1].as<wire_data>().captured, 100'000 - kPieceMax);
    EXPECT_EQ(records[1].header().flags, WIRE_MISSING_CALL_LIMIT);
}

TEST_F(PayloadTest, ALimitOfNothingStillCountsBytes) {
    kernel.knobs().call_limit = 0;
    emit(pattern(70'000));
    const auto records = take();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].as<wire_data>().length, 70'000U);
    EXPECT_EQ(records[0].as<wire_data>().captured, 0U);
}

TEST_F(PayloadTest, TheHighestLimitIsReachedInFull) {
    kernel.make_rings(1, 64U << 20);
    kernel.knobs().call_limit = CALL_LIMIT_MAX;
    const std::string bytes = pattern(CALL_LIMIT_MAX + 10);
    emit(bytes);
    std::uint64_t length = 0, captured = 0;
    for (const Record& record : take()) {
        length += record.as<wire_data>().length;
        captured += record.as<wire_data>().captured;
    }
    EXPECT_EQ(length, bytes.size());
    EXPECT_EQ(captured, static_cast<std::uint64_t>(CALL_LIMIT_MAX));
}

// From a process that leaves nonsense behind the length pointer.
TEST_F(PayloadTest, ALengthBeyond32BitsIsCut) {
    kernel.knobs().call_limit = 0;
    emit_unbacked(std::uint64_t{5} << 32);
    EXPECT_EQ(take().at(0).as<wire_data>().length, 0xffff'ffffU);
    kernel.knobs().call_limit = CALL_LIMIT_MAX;
    emit_unbacked(~std::uint64_t{0});
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 1U);
}

TEST_F(PayloadTest, AnUnreadableBufferIsSaidWithItsLength) {
    const std::string bytes = pattern(3000);
    kernel.make_unreadable(bytes.data() + 2999, 1);
    emit(bytes, 77);
    EXPECT_EQ(losses(WIRE_LOSS_UNREADABLE), 1U);
    const auto data = take().at(0).as<wire_data>();
    EXPECT_EQ(data.header.flags, WIRE_MISSING_UNREADABLE);
    EXPECT_EQ(data.offset, 77U);
    EXPECT_EQ(data.length, 3000U);
    EXPECT_EQ(data.captured, 0U);
}

TEST_F(PayloadTest, AnUnreadablePageCostsItsPieceOnly) {
    const std::string bytes = pattern(3 * kPieceMax);
    kernel.make_unreadable(bytes.data() + kPieceMax + 5000, 4096);
    emit(bytes);
    const auto records = take();
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].header().flags, WIRE_MISSING_NOTHING);
    EXPECT_EQ(records[1].header().flags, WIRE_MISSING_UNREADABLE);
    EXPECT_EQ(records[2].header().flags, WIRE_MISSING_NOTHING);
    EXPECT_EQ(records[2].as<wire_data>().offset, 2 * kPieceMax);
    EXPECT_TRUE(records[2].payload() == bytes.substr(2 * kPieceMax));
}

TEST_F(PayloadTest, OffsetsGoOnWhereTheRingIsFull) {
    kernel.make_rings(1, 4096);
    ssl_new();
    for (int i = 0; i < 20; ++i)
        write(std::string(200, 'x'));
    const std::uint64_t lost = losses(WIRE_LOSS_RING_FULL) + losses(WIRE_LOSS_PROCESS_SHARE);
    EXPECT_GT(lost, 0U);
    std::size_t seen = 0;
    for (const Record& one : take(WIRE_DATA))
        seen += one.payload().empty() ? 0 : 1;  // the others say what is missing
    EXPECT_EQ(seen + lost, 20U);
    write("after");
    EXPECT_EQ(data(), Strings({"sent@4000 after"}));
}

TEST_F(PayloadTest, LaterPiecesOfACallAreTriedThoughOneFoundNoRoom) {
    kernel.make_rings(1, 131072);
    kernel.fail_updates("shares", 1);  // else the whole call would be too much for this ring
    const std::string bytes = pattern(2 * kPieceMax + 100);
    emit(bytes);  // the second piece does not fit behind the first
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 1U);
    const auto records = take();
    ASSERT_EQ(records.size(), 3U);
    const auto missing = records[1].as<wire_data>();
    EXPECT_EQ(missing.header.flags, WIRE_MISSING_RING_FULL);
    EXPECT_EQ(missing.offset, kPieceMax);
    EXPECT_EQ(missing.length, kPieceMax);
    EXPECT_EQ(missing.captured, 0U);
    EXPECT_EQ(records[2].as<wire_data>().offset, 2 * kPieceMax);
    EXPECT_TRUE(records[2].payload() == bytes.substr(2 * kPieceMax));
}

// --- waking the reader

TEST_F(PayloadTest, OnlyTheRecordThatReachesTheMarkWakes) {
    constexpr std::size_t kRecord = sizeof(wire_data) + 256 + 8;
    kernel.make_rings(1, 1U << 20);
    const std::size_t mark = kernel.knobs().wake_bytes;
    while (kernel.ring().unread() + kRecord < mark)
        emit("x");
    EXPECT_EQ(kernel.ring().wake_ups(), 0U);
    emit("x");
    EXPECT_EQ(kernel.ring().wake_ups(), 1U);
    while (kernel.ring().unread() + kRecord < 2 * mark)
        emit("x");
    EXPECT_EQ(kernel.ring().wake_ups(), 1U);
    emit("x");  // it did not come: once more
    EXPECT_EQ(kernel.ring().wake_ups(), 2U);
    take();
    emit("x");
    EXPECT_EQ(kernel.ring().wake_ups(), 2U);
    while (kernel.ring().unread() < mark)
        emit("x");
    EXPECT_EQ(kernel.ring().wake_ups(), 3U);
}

TEST_F(PayloadTest, ExactlyOneWakeUpPerCrossingWhateverTheSizes) {
    std::mt19937 random(20240917);
    kernel.make_rings(1, 1U << 20);
    const std::string bytes = pattern(40'000);
    const std::size_t mark = kernel.knobs().wake_bytes;
    std::size_t expected = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t before = kernel.ring().unread();
        emit(bytes.substr(0, random() % (random() % 8 == 0 ? 40'000 : 600)));
        expected += kernel.ring().unread() / mark - before / mark;
        ASSERT_EQ(kernel.ring().wake_ups(), expected);
        if (random() % 300 == 0 || kernel.ring().unread() > 900'000) take();
    }
    EXPECT_GT(expected, 20U);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
}

// --- mutes

class MuteTest : public BpfTest {
 protected:
    std::uint64_t connection() {
        write("q");
        return take(WIRE_CONNECTION_OPEN).at(0).as<wire_connection_open>().connection;
    }
    void mute(std::uint64_t id, std::uint64_t sent, std::uint64_t received) {
        kernel.put("mutes", id, ::mute{{sent, received}});
        mutes_in_use = 1;
    }
};

TEST_F(MuteTest, BytesBeforeTheMarkAreNotCopied) {
    const auto id = connection();
    mute(id, 0, 10);
    read("01234");
    read("56789");
    read("after");
    write("sent as ever");
    EXPECT_EQ(data(), Strings({"received@10 after", "sent@1 sent as ever"}));
}

TEST_F(MuteTest, ACallAcrossTheMarkIsCopiedWhole) {
    const auto id = connection();
    mute(id, 0, 3);
    read("01234");
    EXPECT_EQ(data(), Strings({"received@0 01234"}));
}

TEST_F(MuteTest, ForGood) {
    const auto id = connection();
    mute(id, ~std::uint64_t{0}, ~std::uint64_t{0});
    read("01234");
    write("56789");
    EXPECT_TRUE(data().empty());
    ssl_free();
    const auto close = take().at(0).as<wire_connection_close>();
    EXPECT_EQ(close.offset[WIRE_SENT], 6U);
    EXPECT_EQ(close.offset[WIRE_RECEIVED], 5U);
}

TEST_F(MuteTest, TheAnswerIsRemembered) {
    const auto id = connection();
    mute(id, 0, 10);
    read("01234");
    mute(id, 0, 0);  // nobody looks there
    read("56789");
    read("after");
    EXPECT_EQ(data(), Strings({"received@10 after"}));
}

TEST_F(MuteTest, TheNextMuteIsNoticed) {
    const auto id = connection();
    mute(id, 0, 5);
    read("01234");
    mute(id, 0, 10);
    read("56789");
    EXPECT_TRUE(data().empty());
}

// Of an object whose beginning was seen, so that its end will be.
class OverTest : public MuteTest {
 protected:
    OverTest() {
        ssl_new();
        mute(connection(), ~std::uint64_t{0}, ~std::uint64_t{0});
        read("it is looked up");
    }
    bool is_followed(std::uint64_t ssl = kSsl) {
        pt_regs regs = registers(ssl, address("x"), 1, 0, 0, kStack);
        const bool followed = openssl_read_session(&regs) == 0;
        if (followed) leave(kRead, -1);
        return followed;
    }
};

TEST_F(OverTest, WhatIsMutedForGoodIsNotFollowedToItsReturn) {
    EXPECT_FALSE(is_followed());
    read("nothing of it");
    EXPECT_TRUE(data().empty());
    EXPECT_EQ(losses(WIRE_LOSS_CALL_UNRETURNED), 0U);
}

TEST_F(OverTest, OthersOfTheThreadAre) {
    EXPECT_TRUE(is_followed(0xb));
    read("heard", 0xb);
    EXPECT_EQ(data(), Strings({"received@0 heard"}));
}

TEST_F(OverTest, TheNextObjectAtItsAddressIs) {
    ssl_free();
    EXPECT_TRUE(is_followed());
    ssl_new();
    read("heard");
    EXPECT_EQ(data(), Strings({"received@0 heard"}));
}

TEST_F(OverTest, TheNextOneIsAlsoWhereTheEndWasNotSeen) {
    ssl_new();
    read("heard");
    EXPECT_EQ(data(), Strings({"received@0 heard"}));
}

TEST_F(MuteTest, WhatWasMetInTheMiddleIsFollowedBecauseAnotherMayTakeItsPlaceUnseen) {
    mute(connection(), ~std::uint64_t{0}, ~std::uint64_t{0});
    read("it is looked up");
    pt_regs regs = registers(kSsl, address("x"), 1, 0, 0, kStack);
    EXPECT_EQ(openssl_read_session(&regs), 0);
}

TEST_F(MuteTest, OtherConnectionsAreNot) {
    const auto id = connection();
    mute(id, ~std::uint64_t{0}, ~std::uint64_t{0});
    read("heard", 0xb);
    EXPECT_EQ(data(), Strings({"received@0 heard"}));
}

TEST_F(MuteTest, NobodyLooksBeforeTheFirst) {
    const auto id = connection();
    mute(id, 0, 100);
    mutes_in_use = 0;
    read("01234");
    EXPECT_EQ(data(), Strings({"received@0 01234"}));
}

}  // namespace

}  // namespace llmsnoop::bpf_native
