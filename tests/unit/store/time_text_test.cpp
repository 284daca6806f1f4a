#include "exporters/store/time_text.h"

#include <gtest/gtest.h>

namespace llmsnoop::exporters::store {
namespace {

using std::chrono::hours;

const base::Time kNow = base::time_from_unix_ns(1'795'171'080'123'456'789);  // 2026-11-20T10:38:00.123456789Z

TEST(TimeTextTest, Rfc3339) {
    EXPECT_EQ(parse_rfc3339("2026-11-20T10:38:00.123456789Z"), kNow);
    EXPECT_EQ(parse_rfc3339("2026-11-20T12:38:00.123456789+02:00"), kNow);
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), base::Time());
    EXPECT_EQ(parse_rfc3339(base::rfc3339(kNow)), kNow);
    for (const char* wrong :
         {"", "2026", "2026-11-20", "2026-11-20T10:38:00", "2026-13-20T10:38:00Z", "2026-02-30T10:38:00Z",
          "2026-11-20T24:38:00Z", "2026-11-20T10:60:00Z", "2026-11-20T10:38:61Z", "2026-11-20T10:38:00.Z",
          "2026-11-20T10:38:00+2:00", "9999-11-20T10:38:00Z", "0001-01-01T00:00:00Z", "2026-11-20T10:38:00ZZ",
          "2026-11-20X10:38:00Z", "-026-11-20T10:38:00Z"}) {
        EXPECT_FALSE(parse_rfc3339(wrong)) << wrong;
    }
}

TEST(TimeTextTest, When) {
    const base::Time today = base::time_from_unix_ns(1'795'132'800'000'000'000);
    EXPECT_EQ(*parse_when("24h", kNow), kNow - hours(24));
    EXPECT_EQ(*parse_when("7d", kNow), kNow - hours(24 * 7));
    EXPECT_EQ(*parse_when("90s", kNow), kNow - std::chrono::seconds(90));
    EXPECT_EQ(*parse_when("today", kNow), today);
    EXPECT_EQ(*parse_when("yesterday", kNow), today - hours(24));
    EXPECT_EQ(*parse_when("2026-11-20", kNow), today);
    EXPECT_EQ(*parse_when("now", kNow), kNow);
    for (const char* wrong : {"", "x", "24", "h", "-1h", "1y", "999999999999d", "99999d", "2026-11-31", "1.5h"}) {
        const auto refused = parse_when(wrong, kNow);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().kind, base::Error::Kind::usage);
    }
}

}  // namespace
}  // namespace llmsnoop::exporters::store
