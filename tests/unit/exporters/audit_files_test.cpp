// Files of the audit log: when a new one begins, and which are retired.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/exporters/audit_fixture.h"

namespace llmsnoop::exporters {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using AuditFilesTest = AuditTest;

TEST_F(AuditFilesTest, FilesRotateBySizeAndTheChainGoesOn) {
    options_.log.file_bytes = 2000;
    write(*open(), 10);
    EXPECT_GT(names().size(), 2U);
    EXPECT_EQ(names()[1], "audit-20261120T103800Z-1.jsonl");
    for (const AuditFile& file : files())
        EXPECT_LE(file.bytes, 2000U);
    EXPECT_FALSE(verify().broken);
    EXPECT_EQ(verify().records, 10U);
}

TEST_F(AuditFilesTest, MoreThanTenFilesOfOneSecondKeepTheirOrder) {
    options_.log.file_bytes = 1;
    write(*open(), 25);
    EXPECT_EQ(names().size(), 25U);
    EXPECT_EQ(names()[12], "audit-20261120T103800Z-12.jsonl");
    EXPECT_FALSE(verify().broken);
    write(*open(), 1);
    EXPECT_EQ(verify().records, 26U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditFilesTest, FilesRotateByAge) {
    options_.log.file_age = hours(1);
    auto sink = open();
    write(*sink, 1);
    now += hours(2);
    write(*sink, 1);
    sink.reset();
    EXPECT_EQ(names(), (std::vector<std::string>{"audit-20261120T103800Z.jsonl", "audit-20261120T123800Z.jsonl"}));
    now += hours(2);
    write(*open(), 1);  // the age counts from the file's beginning, over a restart too
    EXPECT_EQ(names().size(), 3U);
    EXPECT_FALSE(verify().broken);
}

TEST_F(AuditFilesTest, OldFilesAreRetired) {
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

TEST_F(AuditFilesTest, ForeignFilesAreLeftAlone) {
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

TEST_F(AuditFilesTest, AReopenGoesOnInANewFile) {
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

TEST_F(AuditFilesTest, AFileThatWasRemovedIsNoticed) {
    auto sink = open();
    write(*sink, 1);
    fs::remove(paths()[0]);
    EXPECT_TRUE(sink->flush());
    write(*sink, 1);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().files[0].first_seq, 2U);
}

TEST_F(AuditFilesTest, ZeroMeansNeverByThisRule) {
    options_.log.file_bytes = 0;
    options_.log.file_age = base::Duration(0);
    options_.log.keep_files = 2;
    auto sink = open();
    write(*sink, 10);
    now += hours(1000);
    write(*sink, 10);
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(verify().records, 20U);
}

}  // namespace
}  // namespace llmsnoop::exporters
