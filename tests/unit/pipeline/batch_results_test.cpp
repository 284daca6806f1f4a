// Files of batch results (trap T18), from the bytes on the wire to the records.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/pipeline/pipeline_harness.h"

namespace llmsnoop::pipeline {
namespace {

using model::Completeness;
using model::Cost;
using model::Exchange;

Settings counted() {
    Settings settings;
    settings.batch_results = llm::Batches::counted;
    return settings;
}

std::string open(const std::string& number) {
    return "open " + number + " client from_start openssl local 192.0.2.9:4000" + number + " peer 192.0.2.1:443\n";
}

std::string get(const std::string& connection, const std::string& path, const std::string& host = "api.openai.com") {
    return ">> " + connection + " " + quoted("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n") + "\n";
}

std::string line(const std::string& id, const std::string& usage) {
    return R"({"id":"batch_req_)" + id + R"(","custom_id":"c)" + id +
           R"(","response":{"status_code":200,"request_id":"r","body":{"id":"chatcmpl-)" + id +
           R"(","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":)"
           R"({"role":"assistant","content":"hello world"},"finish_reason":"stop"}],"usage":)" +
           usage + R"(}},"error":null})";
}

const std::string kUsage = R"({"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100})";
const std::string kFailed =
    R"({"id":"batch_req_9","custom_id":"c9","response":null,"error":{"code":"batch_expired","message":"late"}})";
const std::string kFile = line("1", kUsage) + "\n" + kFailed + "\n" + line("2", kUsage) + "\n";

std::string download(const std::string& connection, const std::string& file = kFile) {
    return get(connection, "/v1/files/file-1/content") + "<< " + connection + " " +
           quoted(response(file, "application/octet-stream")) + "\n";
}

std::uint64_t tokens_of(const std::vector<Exchange>& exchanges) {
    std::uint64_t sum = 0;
    for (const Exchange& one : exchanges)
        sum += one.usage.input.value_or(0) + one.usage.output.value_or(0);
    return sum;
}

TEST(BatchResults, AreNothingUnlessAskedFor) {
    const Outcome out = run_script(open("1") + download("1") + "close 1\n");
    EXPECT_TRUE(out.started.empty());
    EXPECT_TRUE(out.finished.empty());
}

TEST(BatchResults, AreARecordEach) {
    const Outcome out = run_script(open("1") + download("1") + "close 1\n", counted());
    EXPECT_TRUE(out.started.empty()) << "nothing is in flight: these calls are over";
    ASSERT_EQ(out.finished.size(), 3U);
    std::set<std::string> ids;
    for (const Exchange& one : out.finished) {
        ids.insert(one.id);
        EXPECT_EQ(one.llm.operation, "batch");
        EXPECT_EQ(one.http.status, 200);
        EXPECT_EQ(one.completeness, Completeness::complete);
        EXPECT_EQ(one.timing.request_ended, std::nullopt);
        EXPECT_EQ(one.timing.response_started, std::nullopt);
    }
    EXPECT_EQ(ids.size(), 3U);
    EXPECT_EQ(out.finished[0].usage.input, 1000U);
    EXPECT_EQ(out.finished[0].usage.output, 100U);
    EXPECT_EQ(out.finished[0].http.response_bytes, line("1", kUsage).size());
    EXPECT_EQ(out.finished[1].llm.error->code, "batch_expired");
    EXPECT_EQ(out.finished[1].usage, model::Usage{});
    EXPECT_EQ(out.finished[2].llm.response_id, "chatcmpl-2");
}

TEST(BatchResults, AreTheSameHoweverTheyAreCut) {
    const std::string script = open("1") + download("1") + "close 1\n";
    const std::vector<Exchange> whole = run_script(script, counted()).finished;
    for (const int size : {1, 7, 300}) {
        EXPECT_EQ(run_script("pieces " + std::to_string(size) + "\n" + script, counted()).finished, whole) << size;
    }
}

TEST(BatchResults, AreCountedOnceWhoeverReadsThem) {
    const std::string again = download("1");
    const Outcome out =
        run_script(open("1") + open("2") + again + again + download("2") + "close 1\nclose 2\n", counted());
    EXPECT_EQ(out.finished.size(), 9U);
    EXPECT_EQ(tokens_of(out.finished), 2 * 1100U);
}

// The first is still remembered when the last of the largest batch has been read.
TEST(BatchResults, AreCountedOnceHoweverManyThereAre) {
    constexpr int kLargest = 100'000;
    CountedResponses counted;
    for (int times = 0; times < 2; ++times) {
        int new_ones = 0;
        for (int i = 0; i < kLargest; ++i) {
            const std::string id = "msg_" + std::to_string(i);
            new_ones += counted.add(model::Role::client, "anthropic", id, CountedResponses::By::reading, {}) ? 1 : 0;
        }
        EXPECT_EQ(new_ones, times == 0 ? kLargest : 0);
    }
}

// Embeddings have no identifier: the line's stands for it.
TEST(BatchResults, AreCountedOnceByTheLineWhereTheAnswerHasNoName) {
    const auto embedding = [](const std::string& id) {
        return R"({"id":"batch_req_)" + id +
               R"(","custom_id":"c","response":{"status_code":200,"body":{"object":"list","model":"m","data":)"
               R"([{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":8,"total_tokens":8}}}})";
    };
    const std::string file = embedding("1") + "\n" + embedding("2");
    const Outcome out = run_script(open("1") + download("1", file) + download("1", file) + "close 1\n", counted());
    EXPECT_EQ(out.finished.size(), 4U);
    EXPECT_EQ(tokens_of(out.finished), 2 * 8U);
}

std::string line_with(const std::string& id, const std::string& answer) {
    return R"({"id":"batch_req_)" + id + R"(","custom_id":"c","response":{"status_code":200,"body":)" + answer + "}}";
}

TEST(BatchResults, OfPicturesAreCountedToo) {
    const std::string picture =
        R"({"created":1,"data":[{"b64_json":"QUJD"}],"usage":{"input_tokens":50,"output_tokens":4160,"total_tokens":4210}})";
    const Outcome out = run_script(open("1") + download("1", line_with("1", picture)) + "close 1\n", counted());
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].llm.dialect, "openai.images");
    EXPECT_EQ(tokens_of(out.finished), 4210U);
    EXPECT_EQ(out.lost(model::Loss::dialect_unknown), 0U);
}

TEST(BatchResults, TellWhichAnswersAreNotUnderstood) {
    const std::string video = R"({"id":"video_1","object":"video","model":"sora-2","usage":{"anything":4}})";
    const Outcome out = run_script(open("1") + download("1", line_with("1", video)) + "close 1\n", counted());
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].llm.response_model, "sora-2");
    EXPECT_EQ(out.lost(model::Loss::dialect_unknown), 1U);
    const Outcome failed = run_script(open("1") + download("1", kFailed) + "close 1\n", counted());
    EXPECT_EQ(failed.lost(model::Loss::dialect_unknown), 0U);
    const std::string half = line_with("1", R"({"id":"chatcmpl-1"})");
    const Outcome cut = run_script(open("1") + download("1", half.substr(0, half.size() - 2)) + "close 1\n", counted());
    EXPECT_EQ(cut.lost(model::Loss::dialect_unknown), 0U) << "half of an answer is none of another kind";
    EXPECT_EQ(cut.lost(model::Loss::bad_json), 1U);
}

// What came whole counts. What the end cut in two is not half a call: it counts when it is downloaded again.
TEST(BatchResults, CountAsFarAsTheyCame) {
    const std::string file = line("1", kUsage) + "\n" + line("2", kUsage);
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(file.size()) +
        "\r\n\r\n";
    for (const std::size_t missing : {1U, 8U, 30U, 200U}) {
        const std::string cut = open("1") + get("1", "/v1/files/file-1/content") + "<< 1 " +
                                quoted(head + file.substr(0, file.size() - missing)) + "\nclose 1 reset\n";
        const Outcome out = run_script(cut, counted());
        ASSERT_EQ(out.finished.size(), 1U) << missing;
        EXPECT_EQ(out.finished[0].completeness, Completeness::complete);
        EXPECT_EQ(out.lost(model::Loss::frame_cut), 1U) << missing;
        const Outcome both = run_script(cut + open("2") + download("2", file) + "close 2\n", counted());
        EXPECT_EQ(both.finished.size(), 3U);
        EXPECT_EQ(tokens_of(both.finished), 2 * 1100U);
    }
}

// Nor where nothing but the text says that it is cut: in a part of a file, before the end of a connection.
TEST(BatchResults, DoNotCountInHalvesThatLookWhole) {
    const std::string file = line("1", kUsage) + "\n" + line("2", kUsage);
    const std::string ending = R"("prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}},"error":null})";
    for (std::size_t missing = 1; missing <= ending.size(); ++missing) {
        const std::string part = file.substr(0, file.size() - missing);
        const std::string type = "Content-Type: application/octet-stream\r\n";
        for (const std::string& answer : {"HTTP/1.1 206 Partial Content\r\n" + type +
                                              "Content-Length: " + std::to_string(part.size()) + "\r\n\r\n" + part,
                                          "HTTP/1.1 200 OK\r\n" + type + "Connection: close\r\n\r\n" + part}) {
            const std::string cut =
                open("1") + get("1", "/v1/files/file-1/content") + "<< 1 " + quoted(answer) + "\nclose 1\n";
            const Outcome out = run_script(cut + open("2") + download("2", file) + "close 2\n", counted());
            ASSERT_EQ(out.finished.size(), 4U) << missing;
            EXPECT_EQ(out.finished[1].usage, model::Usage{}) << missing;
            EXPECT_EQ(out.finished[1].completeness, Completeness::truncated) << missing;
            EXPECT_EQ(out.lost(model::Loss::bad_json), 1U) << missing;
            EXPECT_EQ(tokens_of(out.finished), 2 * 1100U) << missing;
        }
    }
}

TEST(BatchResults, DoNotCountInHalvesOfPages) {
    const auto result = [](const std::string& id) {
        return R"({"batch_request_id":")" + id + R"(","batch_result":{"response":{"chat_get_completion":{"id":")" + id +
               R"(","object":"chat.completion","model":"grok-4.3","choices":[{"index":0,"message":)"
               R"({"role":"assistant","content":"4"}}],"usage":{"prompt_tokens":4,"completion_tokens":1}}}}})";
    };
    const std::string page = R"({"results":[)" + result("1") + "," + result("2") + "]}";
    const std::string cut = page.substr(0, page.find(R"("completion_tokens")", page.find(result("2"))));
    const std::string read = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + cut;
    const auto ask = [](const std::string& number) { return get(number, "/v1/batches/b/results", "api.x.ai"); };
    const Outcome out = run_script(open("1") + ask("1") + "<< 1 " + quoted(read) + "\nclose 1\n" + open("2") +
                                       ask("2") + "<< 2 " + quoted(response(page)) + "\nclose 2\n",
                                   counted());
    EXPECT_EQ(tokens_of(out.finished), 2 * 5U);
}

// A line that is lost is told of wherever it stands; in a file that is none of results nothing is lost.
TEST(BatchResults, TellOfALineThatCannotBeReadBeforeTheFirst) {
    const std::string broken = line("1", kUsage).substr(100);
    const Outcome out = run_script(
        open("1") + download("1", broken + "\n" + line("2", kUsage) + "\n" + broken + "\n") + "close 1\n", counted());
    EXPECT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.lost(model::Loss::bad_json), 2U);
}

TEST(BatchResults, AreFoundOnHostsOfOnesOwnByTheirFirstLine) {
    const auto from_gateway = [](const std::string& file, const std::string& type) {
        return open("1") + get("1", "/v1/files/f/content", "gateway.internal") + "<< 1 " +
               quoted(response(file, type)) + "\nclose 1\n";
    };
    for (const std::string type : {"application/octet-stream", "application/jsonl", "application/binary"}) {
        EXPECT_EQ(run_script(from_gateway(kFile, type), counted()).finished.size(), 3U) << type;
    }
    const std::string other = "{\"prompt\":\"a\",\"completion\":\"b\"}\n";
    EXPECT_TRUE(run_script(from_gateway(other + other, "application/octet-stream"), counted()).finished.empty());
}

TEST(BatchResults, OtherFilesMakeNoRecord) {
    const std::string questions =
        "{\"custom_id\":\"1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"}}\n";
    const std::string error = R"({"error":{"message":"no such file","type":"invalid_request_error"}})";
    for (const std::string& file : {questions + questions, error, std::string("%PDF-1.7\n\x01\xff"), std::string()}) {
        const Outcome out = run_script(open("1") + download("1", file) + "close 1\n", counted());
        EXPECT_TRUE(out.started.empty()) << file;
        EXPECT_TRUE(out.finished.empty()) << file;
        EXPECT_EQ(out.lost(model::Loss::bad_json), 0U) << file;
    }
}

tokens::PriceTable prices() {
    return *tokens::parse_price_table(
        "{format: 1, name: mine, date: 2026-11-20, providers: [{serves: [openai, x_ai], batch: 0.5, models: [{match: "
        "{starts_with: g}, prices: {input: 10, output: 20}}]}]}",
        "test");
}

TEST(BatchResults, CostWhatBatchesCost) {
    const tokens::Pricing pricing({prices()});
    const Outcome out = run_script(open("1") + download("1") + "close 1\n", counted(), &pricing);
    ASSERT_EQ(out.finished.size(), 3U);
    EXPECT_NEAR(out.finished[0].cost.value().usd, (1000 * 10e-6 + 100 * 20e-6) / 2, 1e-12);
    EXPECT_FALSE(out.finished[1].cost);
}

TEST(BatchResults, CostWhatTheProviderSays) {
    const tokens::Pricing pricing({prices()});
    const std::string page =
        R"({"results":[{"batch_request_id":"0","batch_result":{"response":{"chat_get_completion":{"id":"x","object":)"
        R"("chat.completion","model":"grok-4.3","choices":[{"index":0,"message":{"role":"assistant","content":"4"}}],)"
        R"("usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5,"cost_in_usd_ticks":20000000}}}}}]})";
    const std::string read =
        get("1", "/v1/batches/batch_1/results?limit=100", "api.x.ai") + "<< 1 " + quoted(response(page)) + "\n";
    const Outcome out = run_script(open("1") + read + read + "close 1\n", counted(), &pricing);
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].cost, (Cost{0.002, Cost::Source::provider, ""}));
    EXPECT_FALSE(out.finished[1].cost) << "it is paid once";
}

}  // namespace
}  // namespace llmsnoop::pipeline
