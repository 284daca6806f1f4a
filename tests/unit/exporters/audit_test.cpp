// The audit log as a whole: sink, chain and restarts, on a real file system.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/exporters/audit_fixture.h"

namespace llmsnoop::exporters {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST_F(AuditTest, WritesOneLineForEachRecord) {
    write(*open(), 3);
    ASSERT_EQ(names(), std::vector<std::string>{"audit-20261120T103800Z.jsonl"});
    struct stat facts {};
    ASSERT_EQ(::stat(paths()[0].c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0640U);
    std::istringstream lines(read(paths()[0]));
    int seq = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto record = nlohmann::json::parse(line);
        EXPECT_EQ(record["schema"], "llmsnoop.exchange/1");
        EXPECT_EQ(record["chain"]["seq"], ++seq);
    }
    EXPECT_EQ(seq, 3);
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken);
    EXPECT_EQ(report.records, 3U);
    EXPECT_EQ(report.lost, 0U);
    EXPECT_EQ(report.last_hash.size(), 64U);
}

// The recipe that chain.h and the README give, done by other tools.
TEST_F(AuditTest, OtherToolsCanCheckALine) {
    write(*open(), 1);
    const std::string path = paths()[0];
    const std::string command = "test \"$(sed 's/,\"hash\":\"[0-9a-f]*\"}}$/}}/' " + path +
                                " | tr -d '\\n' | sha256sum | cut -d' ' -f1)\" = "
                                "\"$(sed 's/.*\"hash\":\"\\([0-9a-f]*\\)\"}}$/\\1/' " +
                                path + ")\"";
    EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(AuditTest, ARestartContinuesTheChainInTheSameFile) {
    write(*open(), 2);
    now += seconds(10);
    write(*open(), 2);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().records, 4U);
    EXPECT_EQ(verify().files[0].last_seq, 4U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditTest, ATornLineStaysAndANewFileBegins) {
    write(*open(), 2);
    std::ofstream(paths()[0], std::ios::app) << R"({"schema":"llmsnoop.exchange/1","id":"01J)";
    now += seconds(10);
    write(*open(), 2);
    ASSERT_EQ(names().size(), 2U);
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken);
    EXPECT_EQ(report.records, 4U);
    EXPECT_GT(report.files[0].torn_bytes, 0U);
    EXPECT_EQ(report.files[1].first_seq, 3U);
}

// A process that is killed while it writes as fast as it can leaves whole lines, and the next one goes on.
TEST_F(AuditTest, SigkillLeavesAValidLog) {
    for (int round = 0; round < 5; ++round) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto sink = AuditSink::create(options_);
            if (!sink) ::_exit(1);
            const auto record = cleared(full_exchange());
            for (int i = 0;; ++i) {
                if (!(*sink)->exchange(record)) ::_exit(1);
                if (i == 50 && ::write(ready[1], "x", 1) != 1) ::_exit(1);
            }
        }
        char byte = 0;
        ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ::close(ready[0]);
        ::close(ready[1]);
        ASSERT_TRUE(WIFSIGNALED(status));
        now += seconds(1);
    }
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken) << report.broken->reason;
    EXPECT_GE(report.records, 250U);
    EXPECT_EQ(report.lost, 0U);
}

TEST_F(AuditTest, OneDirectoryHasOneWriter) {
    auto first = open();
    auto second = AuditSink::create(options_);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another agent"), std::string::npos);
    first.reset();
    EXPECT_TRUE(AuditSink::create(options_));
}

TEST_F(AuditTest, ADirectoryThatCannotBeMadeIsAnError) {
    std::ofstream(directory_ + "/file") << "x";
    options_.log.directory = directory_ + "/file/log";
    const auto sink = AuditSink::create(options_);
    ASSERT_FALSE(sink);
    EXPECT_NE(sink.error().message.find(options_.log.directory), std::string::npos);
}

TEST_F(AuditTest, EverySyncPolicyWrites) {
    using Sync = AuditLogOptions::Sync;
    for (const Sync sync : {Sync::always, Sync::interval, Sync::never}) {
        options_.log.sync = sync;
        auto sink = open();
        write(*sink, 2);
        now += seconds(2);
        EXPECT_TRUE(sink->flush());
    }
    EXPECT_EQ(verify().records, 6U);
}

// The chain's end is found by number: a clock that was set back must not fork it.
TEST_F(AuditTest, AClockThatWasSetBackDoesNotForkTheChain) {
    write(*open(), 3);
    now -= hours(48);
    options_.log.file_bytes = 1;
    write(*open(), 3);
    write(*open(), 1);
    EXPECT_EQ(verify().records, 7U);
    EXPECT_FALSE(verify().broken);
}

}  // namespace
}  // namespace llmsnoop::exporters
