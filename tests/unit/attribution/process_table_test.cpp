#include "agent/attribution/process_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "agent/base/sha256.h"

namespace llmsnoop::attribution {
namespace {

model::Process process(std::uint32_t pid, std::uint64_t start, const std::string& comm) {
    model::Process out;
    out.key = {pid, start};
    out.comm = comm;
    return out;
}

TEST(ProcessTableTest, TellsWhoAProcessIs) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    model::Process one = process(100, 5, "python3");
    one.cgroup = "/docker/" + std::string(64, 'c');
    table.seen(one);
    const auto identity = table.identity({100, 5});
    EXPECT_EQ(identity->process, one);
    ASSERT_TRUE(identity->container.has_value());
    EXPECT_EQ(identity->container->id, std::string(64, 'c'));
    EXPECT_EQ(identity->container->runtime, "docker");
    EXPECT_FALSE(identity->pod.has_value());
}

TEST(ProcessTableTest, KeepsReusedPidsApart) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    table.seen(process(100, 5, "first"));
    table.ended({100, 5});
    table.seen(process(100, 9, "second"));
    EXPECT_EQ(table.identity({100, 5})->process.comm, "first");  // its last records may still be on the way
    EXPECT_EQ(table.identity({100, 9})->process.comm, "second");
}

TEST(ProcessTableTest, KnowsOnlyTheKeyOfAProcessThatWasNeverAnnounced) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    const auto identity = table.identity({7, 7});
    EXPECT_EQ(identity->process.key.pid, 7U);
    EXPECT_TRUE(identity->process.comm.empty());
    EXPECT_FALSE(identity->process.ppid.has_value());
}

TEST(ProcessTableTest, ForgetsTheOldestOfThoseThatEnded) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    for (std::uint32_t pid = 1; pid <= 6000; ++pid) {
        table.seen(process(pid, pid, "short"));
        table.ended({pid, pid});
    }
    EXPECT_TRUE(table.identity({1, 1})->process.comm.empty());
    EXPECT_EQ(table.identity({6000, 6000})->process.comm, "short");
}

TEST(ProcessTableTest, IsBoundedWhereNobodyTellsOfTheEnds) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    constexpr std::uint32_t kProcesses = 200'000;
    for (std::uint32_t pid = 1; pid <= kProcesses; ++pid)
        table.seen(process(pid, pid, "still there"));
    EXPECT_TRUE(table.identity({1, 1})->process.comm.empty()) << "forgotten";
    EXPECT_EQ(table.identity({kProcesses - 60'000, kProcesses - 60'000})->process.comm, "still there");
    EXPECT_EQ(table.identity({kProcesses, kProcesses})->process.comm, "still there");
}

TEST(ProcessTableTest, CompletesARunningProcessFromProc) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events_and_proc, losses);
    std::ifstream command_line("/proc/self/cmdline", std::ios::binary);
    const std::string arguments(std::istreambuf_iterator<char>(command_line), {});

    const model::Process seen = table.seen(process(static_cast<std::uint32_t>(getpid()), 0, "unit"));
    EXPECT_NE(seen.exe.find("unit_attribution"), std::string::npos);
    EXPECT_EQ(seen.args_sha256, base::sha256_hex(arguments));
    EXPECT_EQ(losses.get(model::Loss::process_gone), 0U);
}

TEST(ProcessTableTest, DoesNotBelieveProcAboutAnotherProcessOfThatNumber) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events_and_proc, losses);
    const model::Process seen = table.seen(process(static_cast<std::uint32_t>(getpid()), 123'456'789, "other"));
    EXPECT_TRUE(seen.exe.empty());
    EXPECT_EQ(losses.get(model::Loss::process_gone), 1U);
}

}  // namespace
}  // namespace llmsnoop::attribution
