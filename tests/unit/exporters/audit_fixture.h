#pragma once
// A directory of its own for an audit log, a clock that stands still, and what is asked of the log in several tests.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporters/audit/audit_files.h"
#include "exporters/audit/audit_sink.h"
#include "exporters/audit/verify.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {

class AuditTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "audit_XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        now = kStarted;
        options_.log.directory = directory_ + "/log";
        options_.log.clock = [] { return now; };
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

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
            all.push_back(std::filesystem::path(file.path).filename().string());
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

    static inline base::Time now = kStarted;
    std::string directory_;
    AuditOptions options_;
};

}  // namespace llmsnoop::exporters
