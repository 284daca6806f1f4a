// The store's file: made, filled, kept small, locked, full, damaged, and away.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "exporters/record_json.h"
#include "tests/support/full_disk.h"
#include "tests/unit/store/store_fixture.h"

namespace llmsnoop::exporters::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using support::FullDisk;
using testing::HasSubstr;
using WriterTest = StoreTest;

TEST_F(WriterTest, MakesItsDirectoryAndLetsNobodyElseRead) {
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    struct stat facts {};
    ASSERT_EQ(::stat(options_.path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0640U);
    ASSERT_EQ(::stat((directory_ + "/lib").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0750U);
    EXPECT_EQ(integrity(), "ok");
}

TEST_F(WriterTest, APlaceWhereNoFileCanBeIsAnError) {
    options_.path = "/proc/nowhere/store.db";
    const auto refused = SqliteWriter::create(options_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("/proc/nowhere"));
}

TEST_F(WriterTest, AForeignFileAndANewerOneAreLeftAlone) {
    fs::create_directories(directory_ + "/lib");
    {
        auto other = Database::open(options_.path, Database::Mode::create, std::chrono::seconds(1));
        ASSERT_TRUE(other && other->execute("CREATE TABLE mine (x)"));
    }
    auto refused = SqliteWriter::create(options_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("no store of llmsnoop"));
    fs::remove(options_.path);
    open().reset();
    {
        auto store = Database::open(options_.path, Database::Mode::create, std::chrono::seconds(1));
        ASSERT_TRUE(store && store->execute("PRAGMA user_version = 99"));
    }
    refused = SqliteWriter::create(options_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("newer version"));
}

// As an older version of the agent left it, with a column less.
TEST_F(WriterTest, AnOlderFileGetsTheColumnsThatItLacks) {
    {
        auto sink = open();
        put(*sink, call("m", 1, 1));
        flush(*sink);
    }
    {
        auto store = Database::open(options_.path, Database::Mode::create, std::chrono::seconds(1));
        ASSERT_TRUE(store && store->execute("ALTER TABLE exchange DROP COLUMN cgroup"));
    }
    auto sink = open();
    put(*sink, call("m", 2, 2));
    flush(*sink);
    EXPECT_EQ(usage("").total.input.sum, 3U);
    EXPECT_EQ(usage("", "has(process.cgroup)").total.requests, 0U);
}

TEST_F(WriterTest, WhileLockedRecordsWait) {
    options_.busy_timeout = std::chrono::milliseconds(10);
    auto sink = open();
    {
        auto other = Database::open(options_.path, Database::Mode::create, std::chrono::seconds(1));
        ASSERT_TRUE(other && other->execute("BEGIN EXCLUSIVE"));
        put(*sink, call("m", 1, 1));
        EXPECT_FALSE(sink->flush());
        put(*sink, call("m", 1, 1));
        EXPECT_EQ(sink->waiting(), 2U);
        ASSERT_TRUE(other->execute("ROLLBACK"));
    }
    flush(*sink);
    EXPECT_EQ(sink->waiting(), 0U);
    EXPECT_EQ(usage("").total.requests, 2U);
}

TEST_F(WriterTest, WhileTheDiskIsFullRecordsWaitAndThenNoMoreAreTaken) {
    sink_options_.waiting_bytes = 600'000;
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    std::uint64_t lost = 0;
    {
        const FullDisk full(120'000);
        for (int i = 0; i < 1000; ++i) {
            if (!sink->exchange(cleared(call("m", 1, 1)))) ++lost;
            if (i % 100 == 0) static_cast<void>(sink->flush());
        }
        EXPECT_FALSE(sink->flush());
    }
    EXPECT_GT(lost, 0U);
    EXPECT_LT(lost, 1000U);
    flush(*sink);
    EXPECT_EQ(usage("").total.requests + lost, 1001U);
    EXPECT_EQ(integrity(), "ok");
}

TEST_F(WriterTest, ADamagedFileIsMovedAsideAndANewOneBegins) {
    {
        auto sink = open();
        for (int i = 0; i < 500; ++i)
            put(*sink, call("m", 1, 1));
        flush(*sink);
    }
    {
        std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
        for (int page = 1; page < 40; ++page) {
            file.seekp(std::streamoff{page} * 4096);
            file << std::string(4096, '\xA5');
        }
    }
    auto sink = open();
    for (int i = 0; i < 5; ++i) {
        put(*sink, call("m", 1, 1));
        static_cast<void>(sink->flush());  // it may have to fail before the damage is met
    }
    flush(*sink);
    EXPECT_EQ(sink->waiting(), 0U);
    EXPECT_EQ(integrity(), "ok");
    EXPECT_EQ(usage("").total.requests, 5U);
    int aside = 0;
    for (const auto& entry : fs::directory_iterator(directory_ + "/lib"))
        aside += entry.path().string().find("store.db.corrupt-") != std::string::npos ? 1 : 0;
    EXPECT_GE(aside, 1);
}

TEST_F(WriterTest, AFileThatIsNoDataBaseIsLeftAlone) {
    fs::create_directories(directory_ + "/lib");
    std::ofstream(options_.path) << std::string(10'000, 'x');
    const auto writer = SqliteWriter::create(options_);
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().kind, base::Error::Kind::unsupported);
    EXPECT_EQ(fs::file_size(options_.path), 10'000U);
}

TEST_F(WriterTest, ADeletedFileIsMadeAgain) {
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    for (const char* suffix : {"", "-wal", "-shm"})
        fs::remove(options_.path + suffix);
    put(*sink, call("m", 2, 2));
    flush(*sink);
    EXPECT_EQ(usage("").total.input.sum, 2U);
    struct stat facts {};
    ASSERT_EQ(::stat(options_.path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0640U);
}

TEST_F(WriterTest, WhatIsTooOldGoes) {
    base::Time now = kStarted;
    options_.keep_for = hours(48);
    options_.clock = [&] { return now; };
    auto sink = open();
    for (int i = 0; i < 3000; ++i) {
        model::Exchange one = call("m", 1, 1);
        one.timing.started += std::chrono::minutes(i);
        put(*sink, one);
    }
    flush(*sink);
    EXPECT_EQ(usage("").total.requests, 3000U);
    now = kStarted + hours(50);
    for (int i = 0; i < 5; ++i)
        flush(*sink);
    EXPECT_EQ(usage("").total.requests, 3000U - 120U);
    EXPECT_EQ(integrity(), "ok");
    auto database = Database::open(options_.path, Database::Mode::read_only, std::chrono::seconds(1));
    EXPECT_EQ(*database->integer("SELECT count(*) FROM record"), 3000 - 120);
}

TEST_F(WriterTest, BeyondItsSizeTheOldestGo) {
    options_.max_bytes = 2U << 20;
    auto sink = open();
    for (int i = 0; i < 6000; ++i) {
        model::Exchange one = call("m", 1, 1);
        one.timing.started += std::chrono::seconds(i);
        put(*sink, one);
        if (i % 200 == 0) flush(*sink);
    }
    for (int i = 0; i < 20; ++i)
        flush(*sink);
    const auto left = usage("").total.requests;
    EXPECT_GT(left, 500U);
    EXPECT_LT(left, 5000U);
    EXPECT_LT(fs::file_size(options_.path), 3U << 20);
    UsageQuery newest = query("");
    newest.since = kStarted + std::chrono::seconds(5900);
    EXPECT_EQ(usage(newest).total.requests, 100U);
}

// On a machine that is busy, maintain() has no time.
TEST_F(WriterTest, BeyondItsSizeTheOldestGoWithTheWritesToo) {
    options_.max_bytes = 2U << 20;
    auto writer = SqliteWriter::create(options_);
    ASSERT_TRUE(writer);
    model::Exchange one = call("m", 1, 1);
    for (int batch = 0; batch < 60; ++batch) {
        std::deque<StoredRecord> records;
        for (int i = 0; i < 200; ++i) {
            one.id = next_id();
            one.timing.started += std::chrono::seconds(1);
            std::string line;
            append_record_json(line, cleared(one), "node");
            records.push_back({*row_of_record(line), line});
        }
        ASSERT_TRUE((*writer)->write(records, records.size()));
    }
    EXPECT_LT(fs::file_size(options_.path), 3U << 20);
    EXPECT_GT(usage("").total.requests, 500U);
    EXPECT_EQ(integrity(), "ok");
}

}  // namespace
}  // namespace llmsnoop::exporters::store
