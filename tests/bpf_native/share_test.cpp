// A process that floods a ring loses its own bytes, and nobody else any.
#include <algorithm>
#include <map>

#include "tests/bpf_native/bpf_test.h"

namespace llmsnoop::bpf_native {

namespace {

constexpr std::size_t kRing = 1U << 20;
constexpr std::size_t kRecord = 4096 + sizeof(wire_data) + 8;

class ShareTest : public BpfTest {
 protected:
    ShareTest() { kernel.make_rings(1, kRing); }

    // Calls of a page each until one is lost, at most so many. How many were not.
    std::size_t flood(FakeProcess& one, std::size_t most = 10'000) {
        run(one);
        const std::string page(4096, 'x');
        for (std::size_t i = 0; i < most; ++i) {
            const std::uint64_t before = losses(WIRE_LOSS_PROCESS_SHARE);
            write(page);
            if (losses(WIRE_LOSS_PROCESS_SHARE) != before) return i;
        }
        return most;
    }
    // The reader takes so many bytes and leaves the rest.
    void read_some(std::size_t bytes) { kernel.ring().take(bytes); }

    FakeProcess other{200, {}};
    FakeProcess third{300, {}};
};

TEST_F(ShareTest, NobodyIsHeldBackWhileTheReaderKeepsUp) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(flood(process, 50), 50U);  // less than a quarter
        take();
    }
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 0U);
    EXPECT_EQ(kernel.entries("shares"), 0U);
}

TEST_F(ShareTest, OneThatFloodsLeavesRoomForTheOthers) {
    const std::size_t got = flood(process) * kRecord;
    EXPECT_GT(got, kRing * 7 / 10);
    EXPECT_LT(got, kRing * 8 / 10);
    for (int i = 0; i < 1000; ++i)
        flood(process, 1);
    run(other);
    for (int i = 0; i < 20; ++i)
        write(std::string(4096, 'y'));
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
    std::size_t of_other = 0;
    for (const Record& one : take(WIRE_DATA))
        of_other += one.payload() == std::string(4096, 'y') ? 1 : 0;
    EXPECT_EQ(of_other, 20U);
}

TEST_F(ShareTest, TwoThatFloodGetEqualParts) {
    for (int i = 0; i < 5000; ++i) {
        flood(process, 1);
        flood(other, 1);
    }
    run(third);
    write("also here");
    std::map<std::uint64_t, std::size_t> records;
    for (const Record& one : take(WIRE_DATA))
        records[one.as<wire_data>().connection] += one.payload().empty() ? 0 : 1;
    ASSERT_EQ(records.size(), 3U);
    std::vector<std::size_t> counts;
    for (const auto& [connection, count] : records)
        counts.push_back(count);
    std::sort(counts.begin(), counts.end());
    EXPECT_EQ(counts[0], 1U);
    EXPECT_LE(counts[2] - counts[1], 1U);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
}

TEST_F(ShareTest, WhatTheReaderHasTakenIsGivenBack) {
    const std::size_t at_first = flood(process);
    take();
    EXPECT_GE(flood(process) + 1, at_first);
    // A reader that is always behind: the flood goes on as fast as that one reads, and no faster.
    std::size_t more = 0;
    for (int i = 0; i < 100; ++i) {
        read_some(10 * kRecord);
        more += flood(process);
    }
    EXPECT_GT(more, 700U);
    EXPECT_LT(more, 1100U);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
}

TEST_F(ShareTest, OldSinsAreForgotten) {
    flood(process);
    take();
    EXPECT_GT(flood(other), 150U);  // it is the ring's half that is full now, and nothing of it is the first one's
    read_some(60 * kRecord);
    EXPECT_GT(flood(process, 20), 15U);
}

TEST_F(ShareTest, ACallIsLostAsAWholeAndThatIsSaidAtOnce) {
    while (losses(WIRE_LOSS_PROCESS_SHARE) == 0)
        write(std::string(100'000, 'x'));
    std::uint64_t end = 0;
    std::vector<int> missing;
    for (const Record& one : take(WIRE_DATA)) {
        const auto data = one.as<wire_data>();
        EXPECT_EQ(data.offset, end);
        EXPECT_EQ(data.captured, data.header.flags == WIRE_MISSING_NOTHING ? data.length : 0);
        if (data.header.flags != WIRE_MISSING_NOTHING) missing.push_back(data.header.flags);
        end += data.length;
    }
    EXPECT_EQ(missing, std::vector<int>{WIRE_MISSING_SHARE});
    EXPECT_EQ(end % 100'000, 0U);
    write("after");
    EXPECT_EQ(take(WIRE_DATA).at(0).as<wire_data>().offset, end);
}

TEST_F(ShareTest, AFloodOfSmallCallsIsNoFloodOfNotices) {
    for (int i = 0; i < 100'000; ++i)
        write("x");
    EXPECT_LT(kernel.ring().unread(), kRing * 7 / 8 + 100);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
}

TEST_F(ShareTest, ALargeCallMayTakeWhatIsFreeButForAnEighth) {
    write(std::string(kRing * 3 / 4, 'x'));
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 0U);
    take();
    write(std::string(kRing * 15 / 16, 'x'));
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 1U);
    EXPECT_EQ(take(WIRE_DATA).at(0).header().flags, WIRE_MISSING_SHARE);
}

TEST_F(ShareTest, WhatIsToldOfConnectionsAndProcessesIsNotHeldBack) {
    flood(process);
    run(other);
    ssl_new();
    set_server_name("localhost");
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_RECORD) + losses(WIRE_LOSS_RING_FULL), 0U);
}

TEST_F(ShareTest, WhereTheTableIsFullNobodyIsHeldBack) {
    kernel.fail_updates("shares", 1'000'000);
    flood(process, 400);
    EXPECT_EQ(losses(WIRE_LOSS_PROCESS_SHARE), 0U);
    EXPECT_GT(losses(WIRE_LOSS_RING_FULL), 0U);
}

TEST_F(ShareTest, EachRingHasItsOwnShares) {
    kernel.make_rings(2, kRing);
    std::map<std::size_t, std::size_t> got;
    const std::string page(4096, 'x');
    for (int i = 0; i < 2000; ++i)
        write(page, 0x1000 + static_cast<std::uint64_t>(i % 16));
    for (const std::size_t ring : {0U, 1U})
        got[ring] = kernel.ring(ring).unread();
    EXPECT_GT(got[0], kRing * 7 / 10);
    EXPECT_GT(got[1], kRing * 7 / 10);
    EXPECT_EQ(losses(WIRE_LOSS_RING_FULL), 0U);
}

}  // namespace

}  // namespace llmsnoop::bpf_native
