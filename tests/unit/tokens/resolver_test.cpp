// One test per accounting trap, with the numbers of a real response (DIALECTS, part 2).
#include "agent/tokens/resolver.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

namespace llmsnoop::tokens {
namespace {

using model::ReportedUsage;
using model::Usage;
using model::UsageRule;
using model::UsageSource;

// What a provider reported, written as one chain.
class Report {
 public:
    explicit Report(UsageRule rule) { reported_.rule = rule; }
    Report& input(std::uint64_t n) { return reported_.input = n, *this; }
    Report& output(std::uint64_t n) { return reported_.output = n, *this; }
    Report& total(std::uint64_t n) { return reported_.total = n, *this; }
    Report& cache_read(std::uint64_t n) { return reported_.cache_read = n, *this; }
    Report& cache_write(std::uint64_t n) { return reported_.cache_write = n, *this; }
    Report& reasoning(std::uint64_t n) { return reported_.reasoning = n, *this; }
    Report& input_audio(std::uint64_t n) { return reported_.input_audio = n, *this; }
    Report& input_tool_use(std::uint64_t n) { return reported_.input_tool_use = n, *this; }
    Report& input_image(std::uint64_t n) { return reported_.input_image = n, *this; }
    Report& cost_usd(double usd) { return reported_.cost_usd = usd, *this; }
    Report& detail(std::string name, double value) {
        reported_.details.emplace_back(std::move(name), value);
        return *this;
    }
    operator const ReportedUsage&() const { return reported_; }  // NOLINT(google-explicit-constructor)

 private:
    ReportedUsage reported_;
};

Report openai() {
    return Report(UsageRule::openai);
}
Report anthropic() {
    return Report(UsageRule::anthropic);
}
Report bedrock() {
    return Report(UsageRule::bedrock);
}
Report gemini() {
    return Report(UsageRule::gemini);
}
Report live() {
    return Report(UsageRule::gemini_live);
}
Report cohere() {
    return Report(UsageRule::cohere);
}
Report plain() {
    return Report(UsageRule::plain);
}

class Resolver : public testing::Test {
 protected:
    Usage resolved(const ReportedUsage& reported) { return resolve(reported, losses_); }
    std::uint64_t inconsistent() const { return losses_.get(model::Loss::usage_inconsistent); }

    // Source, inputs and outputs at a glance.
    static void expect(const Usage& usage, model::Count input, model::Count output, model::Count total,
                       std::string_view adjusted_by = {}) {
        EXPECT_EQ(usage.input, input);
        EXPECT_EQ(usage.output, output);
        EXPECT_EQ(usage.total, total);
        EXPECT_EQ(usage.adjusted_by, adjusted_by);
        EXPECT_EQ(usage.source, adjusted_by.empty() ? UsageSource::reported : UsageSource::adjusted);
    }

 private:
    model::LossCounters losses_;
};

TEST_F(Resolver, NothingReportedIsNothingKnown) {
    const Usage usage = resolved(ReportedUsage());
    EXPECT_EQ(usage, Usage{});
    EXPECT_EQ(usage.source, UsageSource::none);
    EXPECT_EQ(inconsistent(), 0U);
}

TEST_F(Resolver, ACostAloneIsNoCount) {
    EXPECT_EQ(resolved(plain().cost_usd(0.25)).source, UsageSource::none);
}

TEST_F(Resolver, OpenaiIsTakenAsReported) {
    const Usage usage = resolved(openai().input(2006).output(300).total(2306).cache_read(1920).reasoning(256).detail(
        "completion_tokens_details.audio_tokens", 4));
    expect(usage, 2006, 300, 2306);
    EXPECT_EQ(usage.cache_read, 1920U);
    EXPECT_FALSE(usage.cache_write.has_value());
    EXPECT_EQ(usage.reasoning, 256U);
    EXPECT_EQ(usage.details.size(), 1U);
    EXPECT_EQ(inconsistent(), 0U);
}

TEST_F(Resolver, T3AnthropicBucketsAreDisjoint) {
    const Usage usage = resolved(anthropic().input(18).output(40).cache_read(8831).cache_write(100));
    expect(usage, 8949, 40, 8989);
    EXPECT_EQ(usage.cache_read, 8831U);
    EXPECT_EQ(usage.cache_write, 100U);
}

TEST_F(Resolver, T3AnthropicWithoutInputStaysUnknown) {
    expect(resolved(anthropic().output(40).cache_read(8831)), std::nullopt, 40, std::nullopt);
}

TEST_F(Resolver, T3BedrockTotalHoldsAllBuckets) {
    expect(resolved(bedrock().input(2).output(19).total(5014).cache_read(4993).cache_write(0)), 4995, 19, 5014);
    EXPECT_EQ(inconsistent(), 0U);
}

TEST_F(Resolver, T4BedrockWithTheCacheInsideTheInput) {
    expect(resolved(bedrock().input(4995).output(19).total(5014).cache_read(4993)), 4995, 19, 5014,
           "cache_inside_input");
}

TEST_F(Resolver, T4CacheCountedTwiceInTheInput) {
    expect(resolved(openai().input(150).output(10).total(110).cache_read(50)), 100, 10, 110, "cache_inside_input");
}

TEST_F(Resolver, T5GeminiThoughtsAndToolPromptsAreAdded) {
    const Usage usage = resolved(gemini().input(22).output(590).total(1983).reasoning(1173).input_tool_use(198));
    expect(usage, 220, 1763, 1983);
    EXPECT_EQ(usage.reasoning, 1173U);
}

TEST_F(Resolver, WhatMistralsConnectorsAddIsInput) {
    expect(resolved(openai().input(188).output(55).total(7355).input_tool_use(7112)), 7300, 55, 7355);
}

TEST_F(Resolver, T5GeminiThatOnlyThought) {
    expect(resolved(gemini().input(7).total(122).reasoning(115)), 7, 115, 122);
}

TEST_F(Resolver, T5GeminiBlockedBeforeAnyOutput) {
    expect(resolved(gemini().input(7).total(7)), 7, 0, 7);
}

TEST_F(Resolver, T6ReasoningOutsideTheOutput) {
    const Usage usage = resolved(openai().input(32).output(9).total(341).reasoning(300));
    expect(usage, 32, 309, 341, "reasoning_outside_output");
    EXPECT_EQ(usage.reasoning, 300U);
}

TEST_F(Resolver, T6ReasoningInsideTheOutput) {
    expect(resolved(openai().input(32).output(309).total(341).reasoning(300)), 32, 309, 341);
}

TEST_F(Resolver, T7HiddenOutput) {
    expect(resolved(openai().input(35).output(12).total(109)), 35, 74, 109, "hidden_output");
}

TEST_F(Resolver, T8AudioOutsideTheInput) {
    expect(resolved(openai().input(5).output(11).total(391).input_audio(375)), 380, 11, 391, "audio_outside_input");
}

TEST_F(Resolver, T8AudioInsideTheInput) {
    expect(resolved(openai().input(380).output(11).total(391).input_audio(375)), 380, 11, 391);
}

TEST_F(Resolver, T19EmbeddingsHaveNoOutput) {
    expect(resolved(openai().input(8).total(8)), 8, 0, 8);
}

TEST_F(Resolver, T31CohereImagesLieOutsideTheInput) {
    const Usage usage =
        resolved(cohere().input(34).output(20).input_image(259).detail("billed_units.input_tokens", 267));
    expect(usage, 293, 20, 313);
    EXPECT_EQ(usage.details.front().second, 267);
}

TEST_F(Resolver, T32LiveThoughtsLieOutsideTheTotal) {
    expect(resolved(live().input(100).output(30).total(130).reasoning(25)), 100, 55, 155);
    EXPECT_EQ(inconsistent(), 0U);
}

TEST_F(Resolver, T32LiveResponseFromTheTotal) {
    expect(resolved(live().input(100).total(130).reasoning(25)), 100, 55, 155);
}

TEST_F(Resolver, T32LiveWithoutAnyOutputStaysUnknown) {
    const Usage usage = resolved(live().input(100));
    EXPECT_EQ(usage.input, 100U);
    EXPECT_FALSE(usage.output.has_value());
    EXPECT_FALSE(usage.total.has_value());
}

TEST_F(Resolver, MissingSidesComeFromTheTotal) {
    expect(resolved(openai().input(10).total(25)), 10, 15, 25, "output_from_total");
    expect(resolved(openai().output(10).total(25)), 15, 10, 25, "input_from_total");
}

TEST_F(Resolver, ATotalAloneTellsNoSide) {
    const Usage usage = resolved(plain().total(3));
    EXPECT_FALSE(usage.input.has_value());
    EXPECT_FALSE(usage.output.has_value());
    EXPECT_EQ(usage.total, 3U);
    EXPECT_EQ(usage.source, UsageSource::reported);
}

TEST_F(Resolver, TheOrderOfCorrections) {
    // Both the reasoning and the audio would close the gap: the reasoning is tried first.
    expect(resolved(openai().input(10).output(10).total(25).reasoning(5).input_audio(5)), 10, 15, 25,
           "reasoning_outside_output");
}

TEST_F(Resolver, WhatNothingExplainsIsKeptAndCounted) {
    expect(resolved(openai().input(10).output(20).total(25)), 10, 20, 30);
    EXPECT_EQ(inconsistent(), 1U);
    expect(resolved(openai().input(30).total(25)), 30, std::nullopt, 25);
    EXPECT_EQ(inconsistent(), 2U);
    expect(resolved(openai().input(7).output(1).total(0)), 7, 1, 8);
    EXPECT_EQ(inconsistent(), 3U);
}

TEST_F(Resolver, PartsThatDoNotFitAreKeptAndCounted) {
    // A gateway that counts its own hidden prompt as cached.
    const Usage usage = resolved(openai().input(7).output(1).total(8).cache_read(163));
    expect(usage, 7, 1, 8);
    EXPECT_EQ(usage.cache_read, 163U);
    EXPECT_EQ(inconsistent(), 1U);
    expect(resolved(openai().input(31).output(210).total(241).reasoning(213)), 31, 210, 241);
    EXPECT_EQ(inconsistent(), 2U);
}

TEST_F(Resolver, SumsThatDoNotFitAreUnknownAndCounted) {
    constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
    const Usage usage = resolved(anthropic().input(kHuge).output(1).cache_read(1));
    EXPECT_FALSE(usage.input.has_value());
    EXPECT_EQ(usage.output, 1U);
    EXPECT_FALSE(usage.total.has_value());
    EXPECT_EQ(inconsistent(), 1U);
    const Usage both = resolved(plain().input(kHuge).output(1));
    EXPECT_EQ(both.input, kHuge);
    EXPECT_FALSE(both.total.has_value());
    EXPECT_EQ(inconsistent(), 2U);
}

}  // namespace
}  // namespace llmsnoop::tokens
