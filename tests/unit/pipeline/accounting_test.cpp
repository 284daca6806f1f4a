// What a call used and what it cost, from the bytes on the wire to the record.
#include <gtest/gtest.h>

#include "tests/unit/pipeline/pipeline_harness.h"

namespace llmsnoop::pipeline {
namespace {

using model::Cost;
using model::Exchange;
using model::Unpriced;
using model::Usage;
using model::UsageSource;

const std::string kOpen = "open 1 client from_start openssl local 192.0.2.9:40000 peer 192.0.2.1:443\n";

// "hello world" is two tokens.
std::string ask(const std::string& model, const std::string& more = "") {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hello world"}])" + more + "}";
}

std::string answer(const std::string& model, const std::string& usage) {
    return R"({"id":"chatcmpl-1","object":"chat.completion","model":")" + model +
           R"(","choices":[{"index":0,"message":{"role":"assistant","content":"hello world"},"finish_reason":"stop"}])" +
           (usage.empty() ? "" : R"(,"usage":)" + usage) + "}";
}

const std::string kReported = R"({"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100})";

std::string call(const std::string& path, const std::string& body, const std::string& reply,
                 const std::string& type = "application/json", const std::string& host = "api.openai.com") {
    return ">> 1 " + quoted(request(path, body, "", host)) + "\n<< 1 " + quoted(response(reply, type)) + "\n";
}

std::string chat(const std::string& model, const std::string& usage) {
    return kOpen + call("/v1/chat/completions", ask(model), answer(model, usage)) + "close 1\n";
}

Exchange only(const Outcome& outcome) {
    EXPECT_EQ(outcome.finished.size(), 1U);
    return outcome.finished.empty() ? Exchange{} : outcome.finished[0];
}

Settings without_estimates() {
    Settings settings;
    settings.missing_usage = MissingUsage::unknown;
    return settings;
}

// Dollars per million: 10 for input and 20 for output.
tokens::PriceTable table(const std::string& name, const std::string& model) {
    return *tokens::parse_price_table("{format: 1, name: " + name +
                                          ", date: 2026-11-20, providers: [{serves: [openai], models: [{match: "
                                          "{starts_with: " +
                                          model + "}, prices: {input: 10, output: 20}}]}]}",
                                      "test");
}

TEST(Accounting, WhatTheProviderReportsStands) {
    const Usage usage = only(run_script(chat("gpt-4o", kReported))).usage;
    EXPECT_EQ(usage.source, UsageSource::reported);
    EXPECT_EQ(usage.input, 1000U);
    EXPECT_EQ(usage.output, 100U);
}

TEST(Accounting, WhatItDoesNotReportIsEstimated) {
    const Usage usage = only(run_script(chat("gpt-4o", ""))).usage;
    EXPECT_EQ(usage.source, UsageSource::estimated);
    EXPECT_EQ(usage.input, 2U + 4 + 3);
    EXPECT_EQ(usage.output, 2U);
    EXPECT_EQ(usage.total, 11U);
}

TEST(Accounting, EstimatesCanBeSwitchedOff) {
    EXPECT_EQ(only(run_script(chat("gpt-4o", ""), without_estimates())).usage, Usage{});
}

TEST(Accounting, ModelsOfNoKnownFamilyStayUnknown) {
    EXPECT_EQ(only(run_script(chat("our-own-model", ""))).usage, Usage{});
}

std::string delta(const std::string& text) {
    return R"(data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}

// Cut within the third event: two have been seen.
TEST(Accounting, AnInterruptedAnswerIsCountedUpToTheCut) {
    const std::string seen = delta("hello") + delta(" world");
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n";
    const std::string body = kOpen + ">> 1 " +
                             quoted(request("/v1/chat/completions", ask("gpt-4o", R"(,"stream":true)"))) + "\n<< 1 " +
                             quoted(head + seen + R"(data: {"id":"c1","mod)") + "\nclose 1 reset\n";
    const Exchange whole = only(run_script(body));
    EXPECT_EQ(whole.completeness, model::Completeness::interrupted);
    EXPECT_EQ(whole.usage.source, UsageSource::estimated);
    EXPECT_EQ(whole.usage.input, 9U);
    EXPECT_EQ(whole.usage.output, 2U);
    for (const int size : {1, 7, 50}) {
        EXPECT_EQ(only(run_script("pieces " + std::to_string(size) + "\n" + body)).usage, whole.usage) << size;
    }
}

// T12: what message_start says of the input is exact, of the output a placeholder.
TEST(Accounting, ACutAnthropicStreamIsPartial) {
    const std::string stream =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
        "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-20250514\",\"content\":[],"
        "\"usage\":{\"input_tokens\":500,\"cache_read_input_tokens\":20,\"output_tokens\":1}}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
        "\"delta\":{\"type\":\"text_delta\",\"text\":\"hello world\"}}\n\n";
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n";
    const std::string body = R"({"model":"claude-sonnet-4-20250514","max_tokens":9,"stream":true,)"
                             R"("messages":[{"role":"user","content":"hello world"}]})";
    const std::string script = kOpen + ">> 1 " + quoted(request("/v1/messages", body)) + "\n<< 1 " +
                               quoted(head + stream) + "\nclose 1 reset\n";
    const Usage usage = only(run_script(script)).usage;
    EXPECT_EQ(usage.source, UsageSource::partial);
    EXPECT_EQ(usage.input, 520U);
    EXPECT_EQ(usage.output, 5U);
    EXPECT_EQ(usage.cache_read, 20U);
    EXPECT_EQ(only(run_script(script, without_estimates())).usage.output, std::nullopt);
}

std::string gemini(const std::string& parts) {
    const std::string body = R"({"contents":[{"role":"user","parts":[)" + parts + R"(]}]})";
    const std::string reply =
        R"({"candidates":[{"content":{"role":"model","parts":[{"text":"hello world"}]},"finishReason":"STOP","index":0}],)"
        R"("usageMetadata":{"candidatesTokenCount":23,"thoughtsTokenCount":67},"modelVersion":"gemini-2.5-flash"})";
    return kOpen +
           call("/v1beta/models/gemini-2.5-flash:generateContent", body, reply, "application/json",
                "generativelanguage.googleapis.com") +
           "close 1\n";
}

TEST(Accounting, AnAnswerThatReportsItsOutputAloneIsPartial) {
    const Usage text = only(run_script(gemini(R"({"text":"hello world"})"))).usage;
    EXPECT_EQ(text.source, UsageSource::partial);
    EXPECT_EQ(text.output, 90U);
    EXPECT_EQ(text.reasoning, 67U);
    EXPECT_EQ(text.input, 3U);
    const std::string picture =
        gemini(R"({"text":"hello"},{"fileData":{"fileUri":"https://a/b","mimeType":"image/png"}})");
    const std::string plain = gemini(R"({"text":"hello world"})");
    for (const Usage& unknown : {only(run_script(picture)).usage, only(run_script(plain, without_estimates())).usage}) {
        EXPECT_EQ(unknown.source, UsageSource::partial);
        EXPECT_EQ(unknown.input, std::nullopt);
        EXPECT_EQ(unknown.output, 90U);
    }
}

TEST(Accounting, OnlyWhatGeneratesIsEstimated) {
    const std::string count = kOpen +
                              call("/v1/messages/count_tokens", ask("claude-sonnet-4-20250514"),
                                   R"({"input_tokens":77})", "application/json", "api.anthropic.com") +
                              "close 1\n";
    EXPECT_EQ(only(run_script(count)).usage.source, UsageSource::none);
    const std::string pictures =
        kOpen + call("/v1/images/generations", R"({"model":"dall-e-3","prompt":"hello world"})", R"({"data":[]})") +
        "close 1\n";
    EXPECT_EQ(only(run_script(pictures)).usage.source, UsageSource::none);
    EXPECT_EQ(
        run_script(kOpen + call("/notes", R"({"model":"gpt-4o","text":"hello"})", "{}") + "close 1\n").finished.size(),
        0U);
}

std::string stored(const std::string& status, const std::string& output, const std::string& usage) {
    return R"({"id":"resp_1","object":"response","status":")" + status + R"(","model":"gpt-4o","output":[)" + output +
           R"(],"usage":)" + usage + "}";
}

const std::string kRead = ">> 1 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 1 ";
const std::string kUsage = R"({"input_tokens":5,"output_tokens":6,"total_tokens":11})";

// T16: a job that has only been queued is counted where its result is read.
TEST(Accounting, AQueuedJobIsCountedWhenItsResultIsRead) {
    const tokens::Pricing pricing({table("mine", "gpt-4o")});
    const std::string again = kRead + quoted(response(stored("completed", "", kUsage))) + "\n";
    const Outcome out = run_script(kOpen +
                                       call("/v1/responses", R"({"model":"gpt-4o","input":"hello","background":true})",
                                            stored("queued", "", "null")) +
                                       again + again + "close 1\n",
                                   {}, &pricing);
    ASSERT_EQ(out.finished.size(), 3U);
    EXPECT_EQ(out.finished[0].usage, Usage{});
    EXPECT_EQ(out.finished[1].usage.output, 6U);
    EXPECT_TRUE(out.finished[1].cost);
    EXPECT_EQ(out.finished[2].usage.source, UsageSource::none);
    EXPECT_FALSE(out.finished[2].cost);
}

// Half of a reading does not stand for the whole that is read later.
TEST(Accounting, AReadingThatIsCutOffLeavesItsCountToTheNext) {
    const std::string whole = stored("completed", "", kUsage);
    const std::string again = "open 2 client from_start openssl\n>> 2" + kRead.substr(4, kRead.find("<<") - 4) +
                              "<< 2 " + quoted(response(whole)) + "\nclose 2\n";
    for (const std::string head :
         {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"}) {
        for (std::size_t size = whole.find("usage"); size < whole.size(); ++size) {
            const Outcome out = run_script(kOpen + kRead + quoted(head + whole.substr(0, size)) + "\nclose 1\n" + again,
                                           without_estimates());
            ASSERT_EQ(out.finished.size(), 2U) << size;
            std::uint64_t sum = 0;
            for (const Exchange& one : out.finished)
                sum += one.usage.input.value_or(0) + one.usage.output.value_or(0);
            EXPECT_EQ(sum, 11U) << whole.substr(0, size);
        }
    }
}

TEST(Accounting, WhatAJobCostsSoFarIsNotWhatItCosts) {
    const tokens::Pricing pricing({table("mine", "gpt-4o")});
    const auto cost = [](const std::string& dollars) {
        return R"({"input_tokens":5,"output_tokens":6,"total_tokens":11,"cost":)" + dollars + "}";
    };
    const Outcome out = run_script(kOpen +
                                       call("/v1/responses", R"({"model":"gpt-4o","input":"hello","background":true})",
                                            stored("in_progress", "", cost("0.25"))) +
                                       kRead + quoted(response(stored("completed", "", cost("0.75")))) + "\nclose 1\n",
                                   {}, &pricing);
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_FALSE(out.finished[0].cost);
    EXPECT_EQ(out.finished[1].cost, (Cost{0.75, Cost::Source::provider, ""}));
}

TEST(Accounting, WhatWasEstimatedIsNotCountedAgainWhenItIsRead) {
    const std::string text =
        R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"hello"}]})";
    const Outcome out = run_script(
        kOpen + call("/v1/responses", R"({"model":"gpt-4o","input":"hello"})", stored("incomplete", text, "null")) +
        kRead + quoted(response(stored("incomplete", text, kUsage))) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].usage.source, UsageSource::estimated);
    EXPECT_EQ(out.finished[1].usage.source, UsageSource::none);
}

TEST(Accounting, PricesByTheFirstTableThatKnowsTheModel) {
    const tokens::Pricing pricing({table("mine", "gpt-4o-mini"), table("shipped", "gpt-4o")});
    const auto cost = only(run_script(chat("gpt-4o", kReported), {}, &pricing)).cost;
    ASSERT_TRUE(cost);
    EXPECT_NEAR(cost->usd, 1000 * 10e-6 + 100 * 20e-6, 1e-12);
    EXPECT_EQ(cost->source, Cost::Source::table);
    EXPECT_EQ(cost->price_table, "shipped (2026-11-20)");
    EXPECT_EQ(only(run_script(chat("gpt-4o-mini", kReported), {}, &pricing)).cost->price_table, "mine (2026-11-20)");
}

TEST(Accounting, PricesEstimates) {
    const tokens::Pricing pricing({table("mine", "gpt-4o")});
    const auto cost = only(run_script(chat("gpt-4o", ""), {}, &pricing)).cost;
    ASSERT_TRUE(cost);
    EXPECT_NEAR(cost->usd, 9 * 10e-6 + 2 * 20e-6, 1e-12);
    EXPECT_FALSE(only(run_script(chat("gpt-4o", ""), without_estimates(), &pricing)).cost);
    EXPECT_EQ(pricing.unpriced().get(Unpriced::unknown_model), 0U) << "no tokens, nothing to be priced";
}

TEST(Accounting, TheProvidersOwnPriceComesFirst) {
    const tokens::Pricing pricing({table("mine", "gpt-4o")});
    const std::string usage = R"({"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cost":0.25})";
    const std::string script = kOpen +
                               call("/api/v1/chat/completions", ask("openai/gpt-4o"), answer("openai/gpt-4o", usage),
                                    "application/json", "openrouter.ai") +
                               "close 1\n";
    EXPECT_EQ(only(run_script(script, {}, &pricing)).cost, (Cost{0.25, Cost::Source::provider, ""}));
}

// T12: at the start of a stream the output is a placeholder, in the passes too.
TEST(Accounting, APassThatHasOnlyBegunIsNotWhatIsBilled) {
    tokens::PriceTable prices = table("mine", "claude");
    prices.providers[0].serves = {"anthropic"};
    const tokens::Pricing pricing({prices});
    const std::string begun =
        R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","model":"claude-sonnet-4-5","usage":)"
        R"({"input_tokens":500,"output_tokens":1,"iterations":[{"type":"message","input_tokens":500,"output_tokens":1}]}}})"
        "\n\n"
        R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello world hello"}})"
        "\n\n";
    const std::string cut =
        kOpen + ">> 1 " + quoted(request("/v1/messages", ask("claude-sonnet-4-5"), "", "api.anthropic.com")) +
        "\n<< 1 " +
        quoted("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
               std::string("fff\r\n") + begun) +
        "\nclose 1 reset\n";
    const Exchange out = only(run_script(cut, {}, &pricing));
    EXPECT_EQ(out.usage.source, UsageSource::partial);
    ASSERT_GT(out.usage.output.value_or(0), 1U);
    ASSERT_TRUE(out.cost);
    EXPECT_NEAR(out.cost->usd, 500 * 10e-6 + static_cast<double>(*out.usage.output) * 20e-6, 1e-12);
}

TEST(Accounting, CountsWhatCannotBePriced) {
    const tokens::Pricing pricing({table("mine", "gpt-4o")});
    EXPECT_FALSE(only(run_script(chat("gpt-9", kReported), {}, &pricing)).cost);
    EXPECT_EQ(pricing.unpriced().get(Unpriced::unknown_model), 1U);
    EXPECT_EQ(pricing.unpriced().get(Unpriced::no_price), 0U);
}

}  // namespace
}  // namespace llmsnoop::pipeline
