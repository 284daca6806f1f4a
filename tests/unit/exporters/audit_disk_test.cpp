// The audit log on a disk that is full: what waits, what is lost, and that both are said.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "exporters/fan_out.h"
#include "tests/support/full_disk.h"
#include "tests/unit/exporters/audit_fixture.h"

namespace llmsnoop::exporters {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;
using support::FullDisk;
using AuditDiskTest = AuditTest;

TEST_F(AuditDiskTest, RecordsWaitWhileTheDiskIsFull) {
    auto sink = open();
    write(*sink, 1);
    const auto size = fs::file_size(paths()[0]);
    {
        const FullDisk full(size + size / 2);
        write(*sink, 3);  // taken: they wait
        EXPECT_FALSE(sink->flush());
        EXPECT_EQ(fs::file_size(paths()[0]), size);  // no part of a line
    }
    EXPECT_TRUE(sink->flush());
    write(*sink, 1);
    sink.reset();
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().records, 5U);
    EXPECT_EQ(verify().lost, 0U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditDiskTest, WhatFindsNoRoomToWaitIsLostAndTheChainSaysSo) {
    options_.waiting_bytes = 2000;
    auto sink = open();
    write(*sink, 1);
    int lost = 0;
    {
        const FullDisk full(fs::file_size(paths()[0]));
        for (int i = 0; i < 10; ++i) {
            if (!sink->exchange(cleared(chat_exchange("app", "m", 1, 2)))) ++lost;
        }
    }
    EXPECT_GT(lost, 0);
    EXPECT_LT(lost, 10);
    EXPECT_TRUE(sink->flush());
    write(*sink, 1);
    sink.reset();
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken) << report.broken->reason;
    EXPECT_EQ(report.lost, static_cast<std::uint64_t>(lost));
    EXPECT_EQ(report.records + report.lost, 12U);
}

// Through the lane, as the agent does it: what is only in memory is not called written, and at the end it is lost.
TEST_F(AuditDiskTest, WhatWaitsAtTheEndIsCountedAsLost) {
    model::LossCounters losses;
    FanOut fan_out({.flush_interval = hours(1)}, losses);
    auto sink = open();
    write(*sink, 1);
    fan_out.add(std::move(sink));
    SinkStop end;
    {
        const FullDisk full(fs::file_size(paths()[0]));
        fan_out.start();
        for (int i = 0; i < 3; ++i)
            fan_out.exchange(cleared(chat_exchange("app", "m", 1, 2)));
        end = fan_out.stop(seconds(30))[0];
    }
    EXPECT_EQ(end.counters.written, 0U);
    EXPECT_EQ(end.counters.queued, 0U);
    EXPECT_EQ(end.counters.failed, 3U);
    EXPECT_TRUE(end.error);
    EXPECT_EQ(losses.get(model::Loss::sink_failed), 3U);
    EXPECT_EQ(verify().records, 1U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditDiskTest, WaitingRecordsAreQueuedAndNotWritten) {
    model::LossCounters losses;
    FanOut fan_out({.flush_interval = std::chrono::milliseconds(1)}, losses);
    fan_out.add(open());
    fan_out.start();
    {
        const FullDisk full(1);
        for (int i = 0; i < 3; ++i)
            fan_out.exchange(cleared(chat_exchange("app", "m", 1, 2)));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_EQ(fan_out.counters()[0].queued, 3U);
        EXPECT_EQ(fan_out.counters()[0].written, 0U);
    }
    const SinkStop end = fan_out.stop(seconds(30))[0];
    EXPECT_EQ(end.counters.written, 3U);
    EXPECT_EQ(end.counters.failed, 0U);
    EXPECT_FALSE(end.error);
    EXPECT_EQ(losses.get(model::Loss::sink_failed), 0U);
    EXPECT_EQ(verify().records, 3U);
}

}  // namespace
}  // namespace llmsnoop::exporters
