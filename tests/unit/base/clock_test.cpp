#include "agent/base/clock.h"

#include <gtest/gtest.h>

namespace llmsnoop::base {
namespace {

TEST(ClockTest, TimesAsRfc3339WritesThem) {
    EXPECT_EQ(rfc3339(time_from_unix_ns(0)), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(rfc3339(time_from_unix_ns(1'709'210'096'000'000'001)), "2024-02-29T12:34:56.000000001Z");
    EXPECT_EQ(rfc3339(time_from_unix_ns(-1)), "1969-12-31T23:59:59.999999999Z");
}

}  // namespace
}  // namespace llmsnoop::base
