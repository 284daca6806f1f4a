// Verification of audit files: what was changed, taken out or put in another order is found.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/exporters/audit_fixture.h"

namespace llmsnoop::exporters {
namespace {

using AuditVerificationTest = AuditTest;

TEST_F(AuditVerificationTest, VerificationFindsTheFirstBreak) {
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

TEST_F(AuditVerificationTest, VerificationTakesFilesInAnyOrder) {
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

TEST_F(AuditVerificationTest, EmptyFilesAreNoBreak) {
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

}  // namespace
}  // namespace llmsnoop::exporters
