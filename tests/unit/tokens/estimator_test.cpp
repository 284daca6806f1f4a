#include "agent/tokens/estimator.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

namespace llmsnoop::tokens {
namespace {

using model::Content;
using model::LlmCall;
using model::Usage;
using model::UsageSource;

// "hello world" is two tokens in both encodings.
LlmCall hello(std::string_view model, std::string_view dialect = "openai.chat") {
    LlmCall call;
    call.dialect = dialect;
    call.operation = "chat";
    call.request_model = model;
    call.response_id = "r1";
    call.prompt.push_back({"user", Content(std::string_view("hello world")), 0});
    call.completion.push_back({"assistant", Content(std::string_view("hello world")), 0});
    call.finish_reasons = {"stop"};
    return call;
}

Usage reported(model::Count input, model::Count output) {
    Usage usage;
    usage.input = input;
    usage.output = output;
    usage.source = input || output ? UsageSource::reported : UsageSource::none;
    return usage;
}

TEST(Estimator, AChatOfGpt4o) {
    const Usage usage = estimate(hello("gpt-4o"), {});
    EXPECT_EQ(usage.input, 2U + 4 + 3);
    EXPECT_EQ(usage.output, 2U);
    EXPECT_EQ(usage.total, 11U);
    EXPECT_EQ(usage.source, UsageSource::estimated);
    EXPECT_TRUE(usage.adjusted_by.empty());
}

TEST(Estimator, EachMessageCosts) {
    LlmCall call = hello("gpt-4o");
    call.prompt.push_back({"assistant", Content(std::string_view("hello world")), 0});
    call.prompt.push_back({"user", Content(std::string_view("")), 0});
    EXPECT_EQ(estimate(call, {}).input, 4U + 3 * 4 + 3);
}

TEST(Estimator, TheModelThatAnsweredDecides) {
    LlmCall call = hello("my-deployment");
    call.response_model = "gpt-5-2025-08-07";
    EXPECT_EQ(estimate(call, {}).input, 2U + 4 + 2);
}

TEST(Estimator, HiddenReasoningIsSaid) {
    const Usage usage = estimate(hello("o3-mini"), {});
    EXPECT_EQ(usage.adjusted_by, "visible_output");
    LlmCall call = hello("o3-mini");
    call.reasoning = Content(std::string_view("hello world"));
    const Usage shown = estimate(call, {});
    EXPECT_TRUE(shown.adjusted_by.empty());
    EXPECT_EQ(shown.reasoning, 2U);
    EXPECT_EQ(*shown.output, *usage.output + 2);
}

TEST(Estimator, ReportedCountsAreNeverTouched) {
    const Usage both = reported(1000, 2000);
    EXPECT_EQ(estimate(hello("gpt-4o"), both), both);
}

TEST(Estimator, OneSideReportedMakesItPartial) {
    const Usage input = estimate(hello("claude-sonnet-4-20250514", "anthropic.messages"), reported(1000, std::nullopt));
    EXPECT_EQ(input.input, 1000U);
    EXPECT_EQ(input.output, 5U);
    EXPECT_EQ(input.total, 1005U);
    EXPECT_EQ(input.source, UsageSource::partial);
    const Usage output = estimate(hello("gpt-4o"), reported(std::nullopt, 77));
    EXPECT_EQ(output.input, 9U);
    EXPECT_EQ(output.output, 77U);
    EXPECT_EQ(output.source, UsageSource::partial);
}

TEST(Estimator, ATotalAloneIsLeftAlone) {
    Usage total;
    total.total = 30;
    total.source = UsageSource::reported;
    EXPECT_EQ(estimate(hello("gpt-4o"), total), total);
}

TEST(Estimator, CutTextsAreNotCounted) {
    LlmCall call = hello("gpt-4o");
    call.prompt_cut = true;
    EXPECT_EQ(estimate(call, {}).input, std::nullopt);
    EXPECT_EQ(estimate(call, {}).output, 2U);
    EXPECT_EQ(estimate(call, {}).total, std::nullopt);
    EXPECT_EQ(estimate(call, {}).source, UsageSource::estimated);
    call.completion_cut = true;
    EXPECT_EQ(estimate(call, {}), Usage{});
    EXPECT_EQ(estimate(call, {}, CutAnswer::as_far_seen).output, 2U);
}

TEST(Estimator, ImagesAreNotGuessed) {
    LlmCall call = hello("gpt-4o");
    call.prompt[0].other_parts = 1;
    EXPECT_EQ(estimate(call, {}).input, std::nullopt);
    EXPECT_EQ(estimate(call, {}).output, 2U);
}

TEST(Estimator, RefusedRequestsCostNothing) {
    LlmCall call = hello("gpt-4o");
    call.completion.clear();
    call.finish_reasons.clear();
    call.error.emplace();
    EXPECT_EQ(estimate(call, {}), Usage{});
    call.error.reset();
    call.response_id.clear();
    EXPECT_EQ(estimate(call, {}), Usage{}) << "nor do requests without an answer";
}

TEST(Estimator, ModelsOfNoKnownFamilyAreNotEstimated) {
    EXPECT_EQ(estimate(hello("our-own-model"), {}), Usage{});
    EXPECT_EQ(estimate(hello(""), {}), Usage{});
    EXPECT_EQ(estimate(hello("our-own-model"), reported(1000, std::nullopt)), reported(1000, std::nullopt));
}

TEST(Estimator, AJobThatIsOnlyQueuedHasUsedNothing) {
    LlmCall call = hello("gpt-4o", "openai.responses");
    call.finish_reasons = {"queued"};
    EXPECT_TRUE(estimate(call, {}).output) << "an answer that has begun counts";
    call.completion.clear();
    EXPECT_EQ(estimate(call, {}), Usage{});
}

TEST(Estimator, AnAnswerThatWasCutShortCounts) {
    LlmCall call = hello("gpt-4o");
    call.finish_reasons.clear();
    call.error.emplace();
    EXPECT_EQ(estimate(call, {}).output, 2U);
}

TEST(Estimator, AnAnswerWithoutTextIsUnknown) {
    LlmCall call = hello("gpt-4o");
    call.completion.clear();
    EXPECT_EQ(estimate(call, {}).input, 9U);
    EXPECT_EQ(estimate(call, {}).output, std::nullopt);
}

// T13: several choices share one prompt.
TEST(Estimator, ChoicesAddUp) {
    LlmCall call = hello("gpt-4o", "openai.responses");
    call.completion.push_back(call.completion[0]);
    EXPECT_EQ(estimate(call, {}).input, 9U);
    EXPECT_EQ(estimate(call, {}).output, 2U * (2 + 1));
}

TEST(Estimator, ToolCallsAreOutput) {
    LlmCall call = hello("gpt-4o");
    call.completion.clear();
    call.tool_calls.push_back({"hello", "id", Content(std::string_view("{}"))});
    EXPECT_EQ(estimate(call, {}).output, 2U + 7);
}

TEST(Estimator, ToolDefinitionsAreInput) {
    const std::string_view tools = R"([{"type":"function","function":{"name":"f","parameters":{"properties":{}}}}])";
    LlmCall call = hello("gpt-4o");
    const std::uint64_t plain = *estimate(call, {}).input;
    call.tool_definitions = Content(tools);
    const std::uint64_t with_tools = *estimate(call, {}).input;
    EXPECT_GT(with_tools, plain + 15);
    EXPECT_LT(with_tools, plain + 40);
    call.prompt[0].role = "system";
    EXPECT_EQ(*estimate(call, {}).input, with_tools - 3) << "they join the system message";
    call.tool_definitions = Content(std::string_view("[]"));
    EXPECT_EQ(*estimate(call, {}).input, plain);
}

TEST(Estimator, ToolDefinitionsThatCannotBeRewrittenCountAsTheyAre) {
    LlmCall call = hello("gpt-4o");
    call.tool_definitions = Content("{\"not\": \"a list\"}" + std::string(400, ' '));
    EXPECT_GT(*estimate(call, {}).input, 9U);
}

TEST(Estimator, ContinuationsAndEmbeddingsSeeTheTextAlone) {
    LlmCall call = hello("gpt-3.5-turbo-instruct", "openai.completions");
    call.operation = "text_completion";
    EXPECT_EQ(estimate(call, {}).input, 2U);
    EXPECT_EQ(estimate(call, {}).output, 2U);
    call = hello("text-embedding-3-small", "openai.embeddings");
    call.operation = "embeddings";
    call.completion.clear();
    call.prompt.push_back(call.prompt[0]);
    EXPECT_EQ(estimate(call, {}).input, 4U);
    EXPECT_EQ(estimate(call, {}).output, 0U);
}

TEST(Estimator, OtherOperationsAreNotEstimated) {
    for (const std::string_view operation :
         {"count_tokens", "fetch_response", "rerank", "mcp", "realtime", "image", ""}) {
        LlmCall call = hello("gpt-4o");
        call.operation = operation;
        EXPECT_EQ(estimate(call, {}), Usage{}) << operation;
    }
}

TEST(Estimator, AnEmptyPromptIsUnknown) {
    LlmCall call = hello("gpt-4o");
    call.prompt.clear();
    EXPECT_EQ(estimate(call, {}).input, std::nullopt);
}

TEST(Estimator, ASumThatDoesNotFitIsUnknown) {
    const Usage usage = estimate(hello("gpt-4o"), reported(std::numeric_limits<std::uint64_t>::max(), std::nullopt));
    EXPECT_EQ(usage.output, 2U);
    EXPECT_EQ(usage.total, std::nullopt);
}

}  // namespace
}  // namespace llmsnoop::tokens
