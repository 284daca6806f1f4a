#include "agent/pipeline/exchange_id.h"

#include <gtest/gtest.h>

#include <set>

namespace llmsnoop::pipeline {
namespace {

TEST(ExchangeIdTest, IsAUlidOfItsTime) {
    // The ULID specification's example of the time part: 1469918176385 ms is 01ARYZ6S41.
    const std::string id = exchange_id(base::time_from_unix_ns(1'469'918'176'385'000'000), 1, 2, 3);
    EXPECT_EQ(id.size(), 26U);
    EXPECT_EQ(id.substr(0, 10), "01ARYZ6S41");
    EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos);
}

TEST(ExchangeIdTest, IsTheSameForTheSameAndSortsByTime) {
    const auto at = [](std::int64_t ms) { return base::time_from_unix_ns(ms * 1'000'000); };
    EXPECT_EQ(exchange_id(at(5), 1, 2, 3), exchange_id(at(5), 1, 2, 3));
    EXPECT_LT(exchange_id(at(5), 9, 9, 9), exchange_id(at(6), 1, 1, 1));
}

TEST(ExchangeIdTest, TellsApart) {
    std::set<std::string> all;
    for (std::uint64_t connection = 0; connection < 20; ++connection) {
        for (std::uint32_t exchange = 0; exchange < 20; ++exchange) {
            for (std::uint32_t turn = 0; turn < 20; ++turn)
                all.insert(exchange_id({}, connection, exchange, turn));
        }
    }
    EXPECT_EQ(all.size(), 8000U);
}

}  // namespace
}  // namespace llmsnoop::pipeline
