// The audit log as a whole: sink, files, chain and verification, on a real file system.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "exporters/audit/audit_files.h"
#include "exporters/audit/audit_sink.h"
#include "exporters/audit/verify.h"
#include "exporters/fan_out.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;

base::Time g_now = kStarted;

class AuditTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "audit_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        g_now = kStarted;
        options_.log.directory = directory_ + "/log";
        options_.log.clock = [] { return g_now; };
    }
    void TearDown() override { fs::remove_all(directory_); }

    std::unique_ptr<AuditSink> open() {
        auto sink = AuditSink::create(options_);
        if (!sink) ADD_FAILURE() << sink.error().message;
        return sink ? std::move(*sink) : nullptr;
    }

    static void write(AuditSink& sink, int records) {
        for (int i = 0; i < records; ++i)
            EXPECT_TRUE(sink.exchange(cleared(chat_exchange("app", "m", 1, 2))));
    }

    std::vector<AuditFile> files() const {
        auto files = list_audit_files(options_.log.directory);
        if (!files) ADD_FAILURE() << files.error().message;
        return files ? *files : std::vector<AuditFile>();
    }

    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const AuditFile& file : files())
            all.push_back(fs::path(file.path).filename().string());
        return all;
    }

    std::vector<std::string> paths() const {
        std::vector<std::string> all;
        for (const AuditFile& file : files())
            all.push_back(file.path);
        return all;
    }

    AuditReport verify() const {
        auto report = verify_audit(paths());
        if (!report) ADD_FAILURE() << report.error().message;
        return report ? *report : AuditReport{};
    }

    static std::string read(const std::string& path) {
        std::ifstream file(path);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }

    std::string directory_;
    AuditOptions options_;
};

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
    g_now += seconds(10);
    write(*open(), 2);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().records, 4U);
    EXPECT_EQ(verify().files[0].last_seq, 4U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditTest, ATornLineStaysAndANewFileBegins) {
    write(*open(), 2);
    std::ofstream(paths()[0], std::ios::app) << R"({"schema":"llmsnoop.exchange/1","id":"01J)";
    g_now += seconds(10);
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
        g_now += seconds(1);
    }
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken) << report.broken->reason;
    EXPECT_GE(report.records, 250U);
    EXPECT_EQ(report.lost, 0U);
}

TEST_F(AuditTest, FilesRotateBySizeAndTheChainGoesOn) {
    options_.log.file_bytes = 2000;
    write(*open(), 10);
    EXPECT_GT(names().size(), 2U);
    EXPECT_EQ(names()[1], "audit-20261120T103800Z-1.jsonl");
    for (const AuditFile& file : files())
        EXPECT_LE(file.bytes, 2000U);
    EXPECT_FALSE(verify().broken);
    EXPECT_EQ(verify().records, 10U);
}

TEST_F(AuditTest, MoreThanTenFilesOfOneSecondKeepTheirOrder) {
    options_.log.file_bytes = 1;
    write(*open(), 25);
    EXPECT_EQ(names().size(), 25U);
    EXPECT_EQ(names()[12], "audit-20261120T103800Z-12.jsonl");
    EXPECT_FALSE(verify().broken);
    write(*open(), 1);
    EXPECT_EQ(verify().records, 26U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditTest, FilesRotateByAge) {
    options_.log.file_age = hours(1);
    auto sink = open();
    write(*sink, 1);
    g_now += hours(2);
    write(*sink, 1);
    sink.reset();
    EXPECT_EQ(names(), (std::vector<std::string>{"audit-20261120T103800Z.jsonl", "audit-20261120T123800Z.jsonl"}));
    g_now += hours(2);
    write(*open(), 1);  // the age counts from the file's beginning, over a restart too
    EXPECT_EQ(names().size(), 3U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditTest, OldFilesAreRetired) {
    options_.log.file_bytes = 1;
    options_.log.keep_files = 3;
    write(*open(), 10);
    EXPECT_EQ(names().size(), 3U);
    const AuditReport report = verify();
    EXPECT_FALSE(report.broken) << report.broken->reason;
    EXPECT_EQ(report.files[0].first_seq, 8U);

    options_.log.keep_files = 0;
    options_.log.keep_bytes = 1;
    write(*open(), 2);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().files[0].last_seq, 12U);
}

TEST_F(AuditTest, ForeignFilesAreLeftAlone) {
    options_.log.keep_files = 1;
    options_.log.file_bytes = 1;
    fs::create_directories(options_.log.directory);
    for (const char* name : {"audit-notes.txt", "audit-2026.jsonl", "audit-20261120T103800Z-x.jsonl", "other.jsonl"}) {
        std::ofstream(options_.log.directory + "/" + name) << "mine\n";
    }
    write(*open(), 5);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(std::distance(fs::directory_iterator(options_.log.directory), fs::directory_iterator()), 5);
}

TEST_F(AuditTest, AReopenGoesOnInANewFile) {
    auto sink = open();
    write(*sink, 1);
    fs::rename(paths()[0], directory_ + "/moved.jsonl");
    sink->request_reopen();
    write(*sink, 1);
    ASSERT_EQ(names().size(), 1U);
    auto both = paths();
    both.push_back(directory_ + "/moved.jsonl");
    EXPECT_EQ(verify_audit(both)->records, 2U);
    EXPECT_FALSE(verify_audit(both)->broken);
}

TEST_F(AuditTest, AFileThatWasRemovedIsNoticed) {
    auto sink = open();
    write(*sink, 1);
    fs::remove(paths()[0]);
    EXPECT_TRUE(sink->flush());
    write(*sink, 1);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().files[0].first_seq, 2U);
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

// A disk that fills up, by means of the file size limit: write(2) then takes a part of a line, and after that nothing.
class FullDisk {
 public:
    explicit FullDisk(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

 private:
    rlimit before_{};
};

TEST_F(AuditTest, RecordsWaitWhileTheDiskIsFull) {
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

TEST_F(AuditTest, WhatFindsNoRoomToWaitIsLostAndTheChainSaysSo) {
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
TEST_F(AuditTest, WhatWaitsAtTheEndIsCountedAsLost) {
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

TEST_F(AuditTest, WaitingRecordsAreQueuedAndNotWritten) {
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

TEST_F(AuditTest, ZeroMeansNeverByThisRule) {
    options_.log.file_bytes = 0;
    options_.log.file_age = base::Duration(0);
    options_.log.keep_files = 2;
    auto sink = open();
    write(*sink, 10);
    g_now += hours(1000);
    write(*sink, 10);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().records, 20U);
}

TEST_F(AuditTest, EverySyncPolicyWrites) {
    using Sync = AuditLogOptions::Sync;
    for (const Sync sync : {Sync::always, Sync::interval, Sync::never}) {
        options_.log.sync = sync;
        auto sink = open();
        write(*sink, 2);
        g_now += seconds(2);
        EXPECT_TRUE(sink->flush());
    }
    EXPECT_EQ(verify().records, 6U);
}

TEST_F(AuditTest, VerificationFindsTheFirstBreak) {
    write(*open(), 5);
    const std::string path = paths()[0];
    const std::string good = read(path);
    std::vector<std::string> lines;
    std::istringstream stream(good);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);

    const auto broken_by = [&](const std::vector<std::string>& changed) {
        std::ofstream file(path);
        for (const std::string& line : changed)
            file << line << "\n";
        file.close();
        const auto report = verify_audit({path});
        return report && report->broken ? std::to_string(report->broken->line) + ": " + report->broken->reason : "";
    };
    EXPECT_EQ(broken_by(lines), "");
    EXPECT_EQ(broken_by({lines[2], lines[3], lines[4]}), "");  // older ones may be gone

    auto changed = lines;
    changed[2][changed[2].find("\"output_tokens\":2") + 16] = '3';
    EXPECT_EQ(broken_by(changed), "3: the line was changed: its hash is not that of its text");
    EXPECT_EQ(broken_by({lines[0], lines[2]}),
              "2: lines are missing, or were changed: number 3 does not link to number 1");
    EXPECT_EQ(broken_by({lines[0], lines[1], lines[1]}), "3: number 2 follows number 2");
    EXPECT_EQ(broken_by({lines[0], "", lines[1]}), "2: the line does not end in a chain member");
    EXPECT_EQ(broken_by({"garbage", lines[0]}), "1: the line does not end in a chain member");

    // A line that was changed and sealed again still does not fit its successor.
    std::string again = lines[1].substr(0, lines[1].find(",\"chain\"")) + ",\"x\":1}";
    seal(again, 2, read_link(lines[0])->hash);
    EXPECT_EQ(broken_by({lines[0], again, lines[2]}),
              "3: lines are missing, or were changed: number 3 does not link to number 2");
    std::string first = R"({"a":1})";
    seal(first, 1, std::string(64, 'a'));
    EXPECT_NE(broken_by({first}), "");
}

TEST_F(AuditTest, VerificationTakesFilesInAnyOrder) {
    options_.log.file_bytes = 1;
    write(*open(), 12);
    auto all = paths();
    std::reverse(all.begin(), all.end());
    EXPECT_FALSE(verify_audit(all)->broken);
    all.erase(all.begin() + 5);
    const auto report = verify_audit(all);
    ASSERT_TRUE(report->broken);
    EXPECT_EQ(report->broken->line, 1U);
    EXPECT_FALSE(verify_audit({directory_ + "/nothing"}));
}

TEST_F(AuditTest, EmptyFilesAreNoBreak) {
    open().reset();
    write(*open(), 1);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify_audit({})->records, 0U);
    std::ofstream(options_.log.directory + "/audit-20270101T000000Z.jsonl").close();
    EXPECT_FALSE(verify().broken);
    write(*open(), 1);
    EXPECT_EQ(verify().records, 2U);
    EXPECT_FALSE(verify().broken);
}

// The chain's end is found by number: a clock that was set back must not fork it.
TEST_F(AuditTest, AClockThatWasSetBackDoesNotForkTheChain) {
    write(*open(), 3);
    g_now -= hours(48);
    options_.log.file_bytes = 1;
    write(*open(), 3);
    write(*open(), 1);
    EXPECT_EQ(verify().records, 7U);
    EXPECT_FALSE(verify().broken);
}

}  // namespace
}  // namespace llmsnoop::exporters
