#include "agent/tokens/pricing.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

namespace llmsnoop::tokens {
namespace {

using model::Cost;
using model::Exchange;

Pricing pricing(const std::string& models, const std::string& provider = "{serves: [openai], batch: 0.5, ") {
    auto table = parse_price_table(
        "format: 1\nname: mine\ndate: 2026-11-20\nproviders:\n  - " + provider + "models: [" + models + "]}\n", "test");
    EXPECT_TRUE(table) << table.error().message;
    std::vector<PriceTable> tables;
    tables.push_back(std::move(*table));
    return Pricing(std::move(tables));
}

// All prices different, so that every class shows.
constexpr const char* kModel =
    "{match: {equals: m}, prices: {input: 10, output: 20, cache_read: 1, cache_write: 12, cache_write_1h: 15, "
    "reasoning: 30,"
    " input_audio: 40, output_audio: 50, requests: 7, web_searches: 9, tiers: [{above: 5000, input: 100}]}}";

Exchange call_with(model::Count input, model::Count output) {
    Exchange made;
    made.llm.provider = "openai";
    made.llm.operation = "chat";
    made.llm.response_model = "m";
    made.usage.input = input;
    made.usage.output = output;
    return made;
}

std::uint64_t unpriced(const Pricing& prices) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < model::kUnpricedCount; ++i)
        sum += prices.unpriced().get(static_cast<model::Unpriced>(i));
    return sum;
}

double micro_dollars(const std::optional<Cost>& cost) {
    return cost ? cost->usd * 1e6 : -1;
}

TEST(Pricing, InputAndOutput) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    const auto cost = prices.cost(call_with(1000, 100));
    ASSERT_TRUE(cost);
    EXPECT_NEAR(micro_dollars(cost), 10'000 + 2'000, 1e-6);
    EXPECT_EQ(cost->source, Cost::Source::table);
    EXPECT_EQ(cost->price_table, "mine (2026-11-20)");
    EXPECT_EQ(unpriced(prices), 0U);
}

TEST(Pricing, EveryClassOnItsOwn) {
    const Pricing prices = pricing(kModel);
    Exchange call = call_with(1000, 500);
    call.usage.cache_read = 300;
    call.usage.cache_write = 200;
    call.usage.details = {{"cache_creation.ephemeral_1h_input_tokens", 50},
                          {"completion_tokens_details.audio_tokens", 40},
                          {"server_tool_use.web_search_requests", 2}};
    call.usage.reasoning = 60;
    call.llm.reported.emplace();
    call.llm.reported->input_audio = 100;
    const double input = 400 * 10 + 300 * 1 + 150 * 12 + 50 * 15 + 100 * 40;
    const double output = 400 * 20 + 60 * 30 + 40 * 50;
    EXPECT_NEAR(micro_dollars(prices.cost(call)), input + output + 7000 + 2 * 9000, 1e-6);
}

TEST(Pricing, ClassesWithoutAPriceCostWhatTheyArePartOf) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(1000, 500);
    call.usage.cache_read = 300;
    call.usage.cache_write = 200;
    call.usage.details = {{"ephemeral_1h_input_tokens", 50}};
    call.usage.reasoning = 60;
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 1000 * 10 + 500 * 20, 1e-6);
}

// T21: a conversation that was made shorter first, and advice of another model, each with its own cache.
TEST(Pricing, PassesAreBilledEachByItsOwnModel) {
    const Pricing prices = pricing(
        "{match: {equals: m}, prices: {input: 10, output: 20, cache_read: 1, cache_write: 12, cache_write_1h: 15, "
        "tiers: [{above: 5000, input: 100}]}}, {match: {equals: adviser}, prices: {input: 50, output: 60}}");
    Exchange call = call_with(612, 1320);
    call.usage.details = {{"server_tool_use.web_search_requests", 2}};
    call.llm.reported.emplace();
    call.llm.reported->passes = {
        {"", 6000, 592, {}, {}, {}}, {"adviser", 300, 18, {}, {}, {}}, {"", 612, 1320, 100, 50, 30}};
    const double compaction = 6000 * 100 + 592 * 20;
    const double advice = 300 * 50 + 18 * 60;
    const double answer = 612 * 10 + 100 * 1 + 20 * 12 + 30 * 15 + 1320 * 20;
    EXPECT_NEAR(micro_dollars(prices.cost(call)), compaction + advice + answer, 1e-6);

    Exchange unknown = call;
    unknown.llm.reported->passes[1].model = "nobody knows it";
    EXPECT_FALSE(prices.cost(unknown));
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::unknown_model), 1U);
    Exchange cut = call;
    cut.llm.reported->passes.push_back({});
    EXPECT_FALSE(prices.cost(cut));
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::unknown_count), 1U);
}

// The counts of a call are those of its answer; where the last model declined too, there are none, and yet it is
// billed.
TEST(Pricing, PassesAreBilledWhereTheAnswerHasNoTokens) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(0, 0);
    call.usage.source = model::UsageSource::reported;
    call.llm.reported.emplace();
    call.llm.reported->passes = {{"", 408, 0, {}, {}, {}}, {"", 0, 0, {}, {}, {}}};
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 408 * 10, 1e-6);

    Exchange cached = call;
    cached.llm.reported->passes[0] = {"", 0, 0, 100, {}, {}};
    EXPECT_NEAR(micro_dollars(prices.cost(cached)), 100 * 10, 1e-6);

    Exchange counted_elsewhere = call;
    counted_elsewhere.usage = {};
    EXPECT_FALSE(prices.cost(counted_elsewhere));
    Exchange nothing = call;
    nothing.llm.reported->passes = {{"", 0, 0, {}, {}, {}}};
    EXPECT_FALSE(prices.cost(nothing));
    EXPECT_EQ(unpriced(prices), 0U);
}

TEST(Pricing, PartsNeverCostMoreThanTheWhole) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20, cache_read: 1}}");
    Exchange call = call_with(7, 1);
    call.usage.cache_read = 163;
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 7 * 1 + 20, 1e-6);
}

TEST(Pricing, TheTierIsThatOfThePrompt) {
    const Pricing prices = pricing(kModel);
    Exchange call = call_with(6000, 0);
    call.usage.cache_read = 2000;
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 4000 * 100 + 2000 * 1 + 7000, 1e-6);
}

TEST(Pricing, BatchesHaveAFactor) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(1000, 100);
    call.llm.operation = "batch";
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 6'000, 1e-6);
}

TEST(Pricing, ServiceTiersHaveAFactorOrNoPrice) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}",
                                   "{serves: [openai], batch: 0.5, service_tiers: {flex: 0.5, priority: 2}, ");
    Exchange call = call_with(1000, 100);
    call.llm.service_tier = "priority";
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 24'000, 1e-6);
    call.llm.service_tier = "flex";
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 6'000, 1e-6);
    call.llm.operation = "batch";  // has the price of batches, whatever served it
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 6'000, 1e-6);
    EXPECT_EQ(unpriced(prices), 0U);
    call.llm.operation = "chat";
    call.usage.details.emplace_back("web_search_requests", 3);
    const Pricing searched =
        pricing("{match: {equals: m}, prices: {input: 10, output: 20, requests: 7, web_searches: 9}}",
                "{serves: [openai], service_tiers: {flex: 0.5}, ");
    EXPECT_NEAR(micro_dollars(searched.cost(call)), 6'000 + 7'000 + 3 * 9'000, 1e-6);  // tokens only
    call.llm.service_tier = "scale";                                                   // paid beforehand
    EXPECT_EQ(prices.cost(call), std::nullopt);
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::no_price), 1U);
}

TEST(Pricing, ATierIsNotThatOfAnotherModelsPass) {
    const Pricing prices = pricing(
        "{match: {equals: m}, prices: {input: 10, output: 20}}, "
        "{match: {equals: other}, prices: {input: 1, output: 2}}",
        "{serves: [openai], service_tiers: {fast: 6}, ");
    const auto pass = [](const std::string& model) {
        model::BilledPass out;
        out.model = model;
        out.input = 1000;
        out.output = 100;
        return out;
    };
    Exchange call = call_with(1000, 100);
    call.usage.source = model::UsageSource::reported;
    call.llm.reported.emplace();
    call.llm.reported->passes = {pass("m")};
    call.llm.service_tier = "fast";
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 72'000, 1e-6);
    call.llm.reported->passes.push_back(pass("other"));
    EXPECT_EQ(prices.cost(call), std::nullopt);
    call.llm.service_tier = "standard";
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 12'000 + 1'200, 1e-6);
}

TEST(Pricing, TheProviderKnowsBest) {
    const Pricing prices = pricing(kModel);
    Exchange call = call_with(1000, 100);
    call.llm.reported.emplace();
    call.llm.reported->cost_usd = 0.125;
    const auto cost = prices.cost(call);
    ASSERT_TRUE(cost);
    EXPECT_EQ(*cost, (Cost{0.125, Cost::Source::provider, ""}));
    call.llm.reported->cost_usd = -1;
    EXPECT_EQ(prices.cost(call)->source, Cost::Source::table);
    call.llm.reported->cost_usd = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(prices.cost(call)->source, Cost::Source::table);
    call.llm.reported->cost_usd = 0;
    EXPECT_EQ(prices.cost(call)->source, Cost::Source::provider) << "free is a price";
}

TEST(Pricing, CohereBillsItsUnits) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(1683, 25);
    call.usage.details = {{"billed_units.input_tokens", 39}, {"billed_units.output_tokens", 20}};
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 39 * 10 + 20 * 20, 1e-6);
}

TEST(Pricing, RerankBillsSearches) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {requests: 2}}");
    Exchange call = call_with(std::nullopt, std::nullopt);
    call.usage.details = {{"billed_units.search_units", 3}};
    EXPECT_NEAR(micro_dollars(prices.cost(call)), 3 * 2000, 1e-6);
}

TEST(Pricing, TheRequestedModelStandsInForAnUnknownOne) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(1000, 100);
    call.llm.response_model = "m-2026-01-01";
    call.llm.request_model = "m";
    EXPECT_TRUE(prices.cost(call));
}

TEST(Pricing, WhatIsUnknownCostsNothingAndIsCounted) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10}}");
    Exchange call = call_with(1000, 0);
    call.llm.response_model = "other";
    EXPECT_FALSE(prices.cost(call));
    EXPECT_FALSE(prices.cost(call)) << "remembered as unknown";
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::unknown_model), 2U);
    EXPECT_FALSE(prices.cost(call_with(1000, 5))) << "output has no price";
    EXPECT_FALSE(prices.cost(call_with(1000, std::nullopt))) << "a count is missing";
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::no_price), 1U);
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::unknown_count), 1U);
    EXPECT_TRUE(prices.cost(call_with(1000, 0)));
    EXPECT_FALSE(prices.cost(call_with(std::nullopt, std::nullopt)));
    EXPECT_FALSE(prices.cost(call_with(0, 0)));
    EXPECT_EQ(unpriced(prices), 4U) << "no tokens, nothing to be priced";
}

TEST(Pricing, TheFirstTableComesFirst) {
    const auto table = [](const std::string& name, const std::string& price) {
        return *parse_price_table("{format: 1, name: " + name +
                                      ", date: 2026-01-01, providers: [{serves: ['*'], models: " +
                                      "[{match: {equals: " + name + "}, prices: {input: " + price +
                                      ", output: 0}},"
                                      " {match: {equals: both}, prices: {input: " +
                                      price + ", output: 0}}]}]}",
                                  "test");
    };
    const Pricing prices({table("a", "1"), table("b", "2")});
    Exchange call = call_with(1'000'000, 0);
    call.llm.response_model = "both";
    EXPECT_NEAR(prices.cost(call)->usd, 1, 1e-9);
    call.llm.response_model = "b";
    EXPECT_NEAR(prices.cost(call)->usd, 2, 1e-9);
}

TEST(Pricing, ManyUnknownNamesAreNotAllRemembered) {
    const Pricing prices = pricing("{match: {equals: m}, prices: {input: 10, output: 20}}");
    Exchange call = call_with(1, 1);
    for (int i = 0; i < 6000; ++i) {
        call.llm.response_model = "name " + std::to_string(i);
        EXPECT_FALSE(prices.cost(call));
    }
    call.llm.response_model = "m";
    EXPECT_TRUE(prices.cost(call));
    EXPECT_EQ(prices.unpriced().get(model::Unpriced::unknown_model), 6000U);
}

}  // namespace
}  // namespace llmsnoop::tokens
