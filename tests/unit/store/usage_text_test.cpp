// Reports as a table, as CSV, as JSON and back.
#include "exporters/store/usage_text.h"

#include <gmock/gmock.h>

#include <random>

#include "exporters/store/quantiles.h"

namespace llmsnoop::exporters::store {
namespace {

using testing::HasSubstr;

UsageReport report() {
    UsageReport out;
    out.dimensions = {"pod", "label:team"};
    UsageValues values;
    values.requests = 1234;
    values.errors = 2;
    values.input = {1'234'567, 1230, 4};
    values.output = {0, 1234, 0};
    values.cost_usd = 12.5;
    values.duration_ms = {1234, 812.4, 640, 1520, 61'000};
    out.rows.push_back({{"app-7c9", std::nullopt}, values});
    out.rows.push_back({{"=HYPERLINK(\"x\")", "a,b\n\x1b[31m"}, values});
    out.total = values;
    out.groups = 2;
    return out;
}

TEST(UsageTextTest, TableIsAlignedAndSafeForATerminal) {
    const std::string table = usage_table(report());
    EXPECT_THAT(table, HasSubstr("POD"));
    EXPECT_THAT(table, HasSubstr("team"));
    EXPECT_THAT(table, HasSubstr("1,234,567+"));
    EXPECT_THAT(table, HasSubstr("$12.50"));
    EXPECT_THAT(table, HasSubstr("1.52s"));
    EXPECT_THAT(table, HasSubstr("1m01s"));
    EXPECT_THAT(table, HasSubstr("\\x1b[31m"));
    EXPECT_THAT(table, HasSubstr("\nTOTAL"));
    EXPECT_EQ(table.find('\x1b'), std::string::npos);
    // The numbers end in the same column.
    const std::size_t first = table.find("1,234,567+");
    const std::size_t second = table.find("1,234,567+", first + 1);
    const auto column = [&](std::size_t at) { return at - table.rfind('\n', at); };
    EXPECT_EQ(column(first), column(second));
}

TEST(UsageTextTest, CsvIsNoFormula) {
    const std::string csv = usage_csv(report());
    EXPECT_THAT(csv, HasSubstr("\r\napp-7c9,,1234,2,1234567,4,0,0,,,,0,12.5,0,812.4,"));
    EXPECT_THAT(csv, HasSubstr("\r\n\"'=HYPERLINK(\"\"x\"\")\",\"a,b\n"));
    for (const char* evil : {"=1", "+1", "-1", "@x", "\tx"}) {
        UsageReport one = report();
        one.rows[0].group[0] = evil;
        EXPECT_THAT(usage_csv(one), HasSubstr(std::string("\r\n'") + evil));
    }
}

TEST(UsageTextTest, JsonComesBack) {
    const UsageReport there = report();
    const auto back = parse_usage_json(usage_json(there));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->dimensions, there.dimensions);
    EXPECT_EQ(usage_json(*back), usage_json(there));
    EXPECT_EQ(usage_table(*back), usage_table(there));
    for (const char* wrong : {"", "[]", "{}", "{\"by\":[],\"rows\":3}", "{\"by\":[1],\"rows\":[]}", "nonsense"})
        EXPECT_FALSE(parse_usage_json(wrong)) << wrong;
    EXPECT_TRUE(parse_usage_json(R"({"by":["pod"],"rows":[{"group":3,"requests":-1,"input_tokens":"x"},7]})"));
}

TEST(QuantilesTest, ExactUpToTheLimitAndCloseBeyondIt) {
    std::mt19937 random(7);
    std::lognormal_distribution<double> durations(6, 1.5);
    for (const std::size_t count : {std::size_t{1000}, Quantiles::kExact, 4 * Quantiles::kExact}) {
        Quantiles quantiles;
        Quantiles other;
        std::vector<double> all;
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back(durations(random));
            (i % 3 == 0 ? other : quantiles).add(all.back());
        }
        quantiles.add(other);
        std::sort(all.begin(), all.end());
        const Distribution got = quantiles.distribution();
        EXPECT_EQ(got.count, count);
        const double tolerance = count <= Quantiles::kExact ? 0 : 0.01;
        for (const auto& [value, percent] : {std::pair{got.p50, 50U}, {got.p95, 95U}, {got.p99, 99U}}) {
            const double exact = all[(count * percent + 99) / 100 - 1];
            EXPECT_NEAR(value, exact, exact * tolerance);
        }
    }
    Quantiles zeros;
    for (std::size_t i = 0; i < Quantiles::kExact + 1; ++i)
        zeros.add(i % 2 == 0 ? 0 : 1e300);
    EXPECT_LT(zeros.distribution().p50, 1);
}

}  // namespace
}  // namespace llmsnoop::exporters::store
