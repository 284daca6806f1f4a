#include "exporters/audit/chain.h"

#include <gtest/gtest.h>

#include "agent/base/sha256.h"

namespace llmsnoop::exporters {
namespace {

TEST(Chain, SealsARecord) {
    std::string line = R"({"a":1})";
    const ChainLink link = seal(line, 7, chain_start());
    const std::string without = R"({"a":1,"chain":{"seq":7,"prev":")" + std::string(64, '0') + R"("}})";
    EXPECT_EQ(link.hash, base::sha256_hex(without));
    EXPECT_EQ(line,
              R"({"a":1,"chain":{"seq":7,"prev":")" + std::string(64, '0') + R"(","hash":")" + link.hash + R"("}})");
    EXPECT_EQ(read_link(line), link);
    EXPECT_EQ(hash_of_line(line), link.hash);
}

TEST(Chain, EveryChangeOfALineChangesItsHash) {
    std::string line = R"({"a":1,"b":"x"})";
    const ChainLink link = seal(line, 1, chain_start());
    for (std::size_t i = 0; i < line.size(); ++i) {
        std::string changed = line;
        changed[i] = changed[i] == '1' ? '2' : '1';
        const auto read = read_link(changed);
        EXPECT_TRUE(!read || read->hash != hash_of_line(changed)) << changed;
    }
}

TEST(Chain, ReadsNothingElse) {
    std::string line = R"({"a":1})";
    seal(line, 12, chain_start());
    EXPECT_TRUE(read_link(line));
    for (const std::string& wrong :
         {std::string(), std::string("{}"), line + " ", line.substr(1), line.substr(0, line.size() - 1),
          line.substr(line.find(",\"chain")), std::string("\"}}"), std::string(300, '0') + "\"}}"}) {
        EXPECT_FALSE(read_link(wrong)) << wrong;
    }
    for (const char* number : {"", "012", "-1", "1.0", "18446744073709551616", "x"}) {
        std::string other = line;
        other.replace(other.find(":12,") + 1, 2, number);
        EXPECT_FALSE(read_link(other)) << other;
    }
}

}  // namespace
}  // namespace llmsnoop::exporters
