#include "agent/tokens/price_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "agent/tokens/table_node.h"

namespace llmsnoop::tokens {
namespace {

std::string problem_of(const std::string& text) {
    const auto table = parse_price_table(text, "my.yaml");
    return table ? "" : table.error().message;
}

std::string with_model(const std::string& model) {
    return "format: 1\nname: mine\ndate: 2026-11-20\nproviders:\n  - serves: [openai]\n    models:\n" + model;
}

TEST(PriceTable, Minimal) {
    const auto table = parse_price_table(
        with_model("      - match: {starts_with: gpt-4o}\n        prices: {input: 2.5, output: 10}\n"), "my.yaml");
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->name, "mine");
    EXPECT_EQ(table->date, "2026-11-20");
    const Priced priced = table->find("openai", ModelName("GPT-4o-mini"));
    ASSERT_TRUE(priced);
    const PricedModel* const model = priced.model;
    EXPECT_EQ(priced.provider->batch, 1);
    EXPECT_DOUBLE_EQ(*model->at({}).prices.get(Price::input), 2.5e-6);
    EXPECT_FALSE(model->at({}).prices.get(Price::cache_read).has_value());
    EXPECT_FALSE(table->find("openai", ModelName("gpt-5")));
    EXPECT_FALSE(table->find("anthropic", ModelName("gpt-4o")));
}

TEST(PriceTable, JsonIsYaml) {
    EXPECT_EQ(problem_of(R"({"format": "1", "name": "n", "date": "2026-01-31", "providers": [{"serves": ["*"], "models":
        [{"match": {"equals": "m"}, "prices": {"input": 1e-3}}]}]})"),
              "");
}

TEST(PriceTable, TheFirstModelThatMatchesCounts) {
    const auto table = parse_price_table(with_model("      - {match: {equals: a-b}, prices: {input: 1}}\n"
                                                    "      - {match: {starts_with: a}, prices: {input: 2}}\n"),
                                         "my.yaml");
    EXPECT_DOUBLE_EQ(*table->find("openai", ModelName("a-b")).model->at({}).prices.get(Price::input), 1e-6);
    EXPECT_DOUBLE_EQ(*table->find("openai", ModelName("a-c")).model->at({}).prices.get(Price::input), 2e-6);
}

TEST(PriceTable, ProvidersThatSellTheModelsOfOthers) {
    const auto table = parse_price_table(R"(
format: 1
name: n
date: 2026-01-01
providers:
  - {serves: [azure.ai.openai], also_like: [openai], batch: 0.5, models: []}
  - serves: [openai]
    models: [{match: {equals: m}, prices: {input: 1}}]
)",
                                         "my.yaml");
    ASSERT_TRUE(table) << table.error().message;
    const Priced priced = table->find("azure.ai.openai", ModelName("m"));
    ASSERT_TRUE(priced);
    EXPECT_EQ(priced.provider->batch, 0.5);
}

TEST(PriceTable, FactorsOfServiceTiers) {
    const auto table = parse_price_table(R"(
format: 1
name: n
date: 2026-01-01
providers:
  - serves: [openai]
    batch: 0.25
    service_tiers: {Flex: 0.5, priority: 2, default: 0.9}
    models:
      - {match: {equals: a}, prices: {input: 1}, service_tiers: {priority: 1.75}}
      - {match: {equals: b}, prices: {input: 1}}
  - {serves: [groq], models: [{match: {equals: a}, prices: {input: 1}}]}
)",
                                         "my.yaml");
    ASSERT_TRUE(table) << table.error().message;
    const auto factor = [&](std::string_view provider, std::string_view model, std::string_view tier) {
        return table->find(provider, ModelName(model)).tier_factor(tier);
    };
    EXPECT_EQ(factor("openai", "a", "flex"), 0.5);
    EXPECT_EQ(factor("openai", "a", "priority"), 1.75);
    EXPECT_EQ(factor("openai", "b", "PRIORITY"), 2);
    EXPECT_EQ(factor("openai", "b", "default"), 0.9);
    EXPECT_EQ(factor("openai", "b", ""), 0.9);
    EXPECT_EQ(factor("openai", "b", "batch"), 0.25);
    EXPECT_EQ(factor("openai", "b", "scale"), std::nullopt);
    for (const char* const tier : {"", "default", "standard", "ON_DEMAND", "auto", "batch"})
        EXPECT_EQ(factor("groq", "a", tier), 1) << tier;
    EXPECT_EQ(factor("groq", "a", "flex"), std::nullopt);
    const auto problem_with = [](const std::string& tiers) {
        return problem_of("format: 1\nname: n\ndate: 2026-01-01\nproviders:\n  - serves: [x]\n    service_tiers: {" +
                          tiers + "}\n");
    };
    const std::string at = "my.yaml:6: providers[0].service_tiers.";
    EXPECT_EQ(problem_with("a: -1"), at + "a: a number that is not negative is needed");
    EXPECT_EQ(problem_with("flex: 1, Flex: 2"), at + "Flex: this is given twice");
    EXPECT_EQ(problem_with("'': 1"), at + ": a tier has a name");
}

TEST(PriceTable, TiersReplaceWhatTheyHold) {
    const auto table = parse_price_table(
        with_model("      - match: {equals: m}\n        prices: {input: 1, output: 4, tiers: [{above: 500, input: 3},"
                   " {above: 200, input: 2, output: 5}]}\n"),
        "my.yaml");
    ASSERT_TRUE(table) << table.error().message;
    const PricePeriod& period = table->find("openai", ModelName("m")).model->at({});
    EXPECT_DOUBLE_EQ(*period.for_prompt(200).get(Price::input), 1e-6);
    EXPECT_DOUBLE_EQ(*period.for_prompt(201).get(Price::input), 2e-6);
    EXPECT_DOUBLE_EQ(*period.for_prompt(501).get(Price::input), 3e-6);
    EXPECT_DOUBLE_EQ(*period.for_prompt(501).get(Price::output), 5e-6);
}

TEST(PriceTable, PricesByDateAndTimeOfDay) {
    const auto table = parse_price_table(
        with_model("      - match: {equals: m}\n        prices:\n          - {input: 1}\n"
                   "          - {from: 2026-02-01, input: 2}\n          - {hours: '16:30-00:30', input: 3}\n"),
        "my.yaml");
    ASSERT_TRUE(table) << table.error().message;
    const PricedModel* const model = table->find("openai", ModelName("m")).model;
    const auto at = [model](std::chrono::year_month_day day, int hour, int minute) {
        const base::Time time =
            base::Time(std::chrono::sys_days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute);
        return *model->at(time).prices.get(Price::input) * 1e6;
    };
    using namespace std::chrono_literals;
    EXPECT_DOUBLE_EQ(at(2026y / 1 / 31, 12, 0), 1);
    EXPECT_DOUBLE_EQ(at(2026y / 2 / 1, 12, 0), 2);
    EXPECT_DOUBLE_EQ(at(2026y / 1 / 31, 16, 30), 3);
    EXPECT_DOUBLE_EQ(at(2026y / 3 / 1, 0, 29), 3);
    EXPECT_DOUBLE_EQ(at(2026y / 3 / 1, 0, 30), 2);
}

TEST(PriceTable, ErrorsNameFileLineAndKey) {
    EXPECT_EQ(problem_of(with_model("      - match: {starts_with: x}\n        prices: {inptu: 3}\n")),
              "my.yaml:8: providers[0].models[0].prices.inptu: this key is not known here");
    EXPECT_EQ(problem_of(with_model("      - match: {starts_with: x}\n        prices:\n          input: cheap\n")),
              "my.yaml:9: providers[0].models[0].prices.input: a number that is not negative is needed");
    EXPECT_EQ(problem_of(with_model("      - match: {starts_with: x}\n        prices: {input: -1}\n")),
              "my.yaml:8: providers[0].models[0].prices.input: a number that is not negative is needed");
    EXPECT_EQ(problem_of(with_model("      - match: {regex: '('}\n        prices: {input: 1}\n")),
              "my.yaml:7: providers[0].models[0].match.regex: not a regular expression");
    EXPECT_EQ(
        problem_of(with_model("      - match: {regex: 'x{1111111111111111111111}'}\n        prices: {input: 1}\n")),
        "my.yaml:7: providers[0].models[0].match.regex: not a regular expression");
    EXPECT_EQ(problem_of(with_model("      - match: {equals: x}\n        prices: {input: 1}\n---\nproviders: []\n")),
              "my.yaml:9: more follows the first document: one is wanted, without `---` inside");
    EXPECT_EQ(problem_of(with_model("      - match: {like: x}\n        prices: {input: 1}\n")),
              "my.yaml:7: providers[0].models[0].match.like: this key is not known here");
    EXPECT_EQ(problem_of(with_model("      - match: {equals: x, starts_with: y}\n        prices: {input: 1}\n")),
              "my.yaml:7: providers[0].models[0].match: one rule is needed: {starts_with: gpt-4o}");
    EXPECT_EQ(problem_of(with_model("      - match: {equals: x}\n")),
              "my.yaml:7: providers[0].models[0]: prices are missing");
    EXPECT_EQ(problem_of(with_model("      - prices: {input: 1}\n")),
              "my.yaml:7: providers[0].models[0]: match is missing");
    EXPECT_EQ(problem_of(with_model("      - {match: {equals: x}, prices: {input: 1, input: 2}}\n")),
              "my.yaml:7: providers[0].models[0].prices.input: this is given twice");
    EXPECT_EQ(problem_of(with_model("      - {match: {equals: x}, prices: {from: 2026-02-30, input: 2}}\n")),
              "my.yaml:7: providers[0].models[0].prices.from: a date is written as 2026-09-23");
    EXPECT_EQ(problem_of(with_model("      - {match: {equals: x}, prices: {hours: '25:00-26:00', input: 2}}\n")),
              "my.yaml:7: providers[0].models[0].prices.hours: a time of day is written as 16:30-00:30");
    EXPECT_EQ(problem_of(with_model("      - {match: {equals: x}, prices: {input: 1, tiers: [{input: 2}]}}\n")),
              "my.yaml:7: providers[0].models[0].prices.tiers[0]: above is missing");
    EXPECT_EQ(problem_of(with_model("      - {match: {equals: x}, prices: {input: 1, tiers: [{above: -2}]}}\n")),
              "my.yaml:7: providers[0].models[0].prices.tiers[0].above: a whole number is needed");
}

TEST(PriceTable, ErrorsOfTheWholeFile) {
    EXPECT_EQ(problem_of("format: 1\nname: n\ndate: 2026-01-01\nproviders:\n  - models: []\n"),
              "my.yaml:5: providers[0]: serves is missing");
    EXPECT_EQ(problem_of("format: 2\n"), "my.yaml:1: format: only format 1 is known");
    EXPECT_EQ(problem_of("name: n\ndate: 2026-01-01\n"), "my.yaml:1: format: is missing");
    EXPECT_EQ(problem_of("format: 1\ndate: 2026-01-01\n"), "my.yaml:1: name: is missing");
    EXPECT_EQ(problem_of("- 1\n"), "my.yaml:1: a mapping is needed");
    EXPECT_EQ(problem_of("a: [b\n").substr(0, 9), "my.yaml:2");
    EXPECT_NE(problem_of(""), "");
    EXPECT_EQ(read_price_table("/nonexistent/prices.yaml").error().message.substr(0, 26), "/nonexistent/prices.yaml: ");
}

TEST(PriceTable, AliasesThatExplodeAreRefused) {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c <= 'j'; ++c) {
        bomb += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 10; ++i)
            bomb += std::string(i > 0 ? ", *" : "*") + static_cast<char>(c - 1);
        bomb += "]\n";
    }
    EXPECT_EQ(problem_of(bomb).substr(problem_of(bomb).find(": ")), ": the file is too large");
    EXPECT_NE(problem_of("&a [*a]\n"), "");
    EXPECT_NE(problem_of(std::string(100'000, '[')), "");
}

TEST(PriceTable, AFileIsRead) {
    const std::string path = testing::TempDir() + "prices_" + std::to_string(::getpid()) + ".yaml";
    std::ofstream(path) << with_model("      - {match: {contains: x}, prices: {input: 1}}\n");
    const auto table = read_price_table(path);
    std::remove(path.c_str());
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->providers.size(), 1U);
}

TEST(ShippedPriceTable, IsWhole) {
    const auto table = shipped_price_table();
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_FALSE(table->name.empty());
    EXPECT_EQ(table->date.size(), 10U);
    const auto input_price = [&](std::string_view provider, std::string_view model) {
        const Priced found = table->find(provider, ModelName(model));
        return !found ? -1.0 : found.model->at(base::time_from_unix_ns(0)).prices.get(Price::input).value_or(-1) * 1e6;
    };
    EXPECT_NEAR(input_price("openai", "gpt-4o-mini-2024-07-18"), 0.15, 1e-9);
    EXPECT_NEAR(input_price("anthropic", "claude-3-5-haiku-20241022"), 0.8, 1e-9);
    EXPECT_GT(input_price("gcp.gemini", "gemini-2.5-flash"), 0);
    EXPECT_GT(input_price("aws.bedrock", "us.amazon.nova-lite-v1:0"), 0);
    EXPECT_GT(input_price("mistral_ai", "mistral-large-latest"), 0);
    EXPECT_GT(input_price("deepseek", "deepseek-chat"), 0);
    EXPECT_GT(input_price("groq", "llama-3.3-70b-versatile"), 0);
    EXPECT_GT(input_price("x_ai", "grok-3"), 0);
    EXPECT_GT(input_price("cohere", "command-r-08-2024"), 0);
    EXPECT_GT(input_price("azure.ai.openai", "gpt-4o"), 0);
    EXPECT_EQ(input_price("openai", "no such model"), -1);
}

TEST(ShippedPriceTable, KnowsServiceTiers) {
    const auto table = shipped_price_table();
    ASSERT_TRUE(table) << table.error().message;
    const auto factor = [&](std::string_view provider, std::string_view model, std::string_view tier) {
        const Priced found = table->find(provider, ModelName(model));
        EXPECT_TRUE(found) << model;
        return found ? found.tier_factor(tier) : -1;
    };
    EXPECT_EQ(factor("openai", "gpt-5-2025-08-07", "flex"), 0.5);
    EXPECT_EQ(factor("openai", "gpt-5-2025-08-07", "priority"), 2);
    EXPECT_EQ(factor("openai", "gpt-5-mini", "priority"), 1.8);
    EXPECT_EQ(factor("openai", "gpt-5-nano", "priority"), std::nullopt);
    EXPECT_EQ(factor("anthropic", "claude-opus-4-6", "fast"), 6);
    EXPECT_EQ(factor("anthropic", "claude-opus-5", "fast"), 2);
    EXPECT_EQ(factor("anthropic", "claude-opus-4-6", "priority"), std::nullopt);  // paid beforehand
    EXPECT_EQ(factor("groq", "llama-3.3-70b-versatile", "flex"), 1);
    EXPECT_EQ(factor("gcp.vertex_ai", "gemini-2.5-flash", "ON_DEMAND"), 1);
    EXPECT_EQ(factor("gcp.vertex_ai", "gemini-2.5-flash", "ON_DEMAND_FLEX"), 0.5);
    EXPECT_EQ(factor("gcp.vertex_ai", "gemini-2.5-flash", "PROVISIONED_THROUGHPUT"), std::nullopt);
}

}  // namespace
}  // namespace llmsnoop::tokens
