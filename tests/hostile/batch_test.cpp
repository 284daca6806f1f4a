// Files of batch results (trap T18), which are larger than anything else that is downloaded from a model's provider.
#include <algorithm>
#include <random>

#include "tests/hostile/hostile_case.h"
#include "tests/support/net/compression.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;

pipeline::Settings counted() {
    pipeline::Settings settings;
    settings.batch_results = llm::Batches::counted;
    return settings;
}

constexpr std::string_view kAsk = "GET /v1/files/file-1/content HTTP/1.1\r\nHost: api.openai.com\r\n\r\n";
const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";
const std::string kChunkedHead = kHead + "Transfer-Encoding: chunked\r\n\r\n";

std::string line(std::uint64_t id, std::string_view content) {
    const std::string name = std::to_string(id);
    return R"({"id":"batch_req_)" + name + R"(","custom_id":"c)" + name +
           R"(","response":{"status_code":200,"body":{"id":"chatcmpl-)" + name +
           R"(","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant",)"
           R"("content":)" +
           std::string(content) +
           R"(},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}},)"
           R"("error":null})"
           "\n";
}

// A download in chunks, which `send_body` sends all of.
Outcome download(const std::string& head, base::FunctionRef<void(support::Wire&)> send_body) {
    return tell(
        [&](support::Wire& wire) {
            wire.open(1);
            wire.send(1, kAsk);
            wire.receive(1, head);
            send_body(wire);
            wire.receive(1, "0\r\n\r\n");
            wire.close(1);
        },
        counted());
}

std::string text_of(std::size_t size) {
    return "\"" + std::string(size, 'a') + "\"";
}

TEST(Batch, AFileOfTwoHundredMegabytes) {
    constexpr std::uint64_t kLines = 50'000;
    const std::string content = text_of(4000);
    std::uint64_t bytes = 0;
    const Outcome outcome = download(kChunkedHead, [&](support::Wire& wire) {
        for (std::uint64_t id = 0; id < kLines; ++id) {
            const std::string one = line(id, content);
            bytes += one.size();
            wire.receive(1, chunk_of(one));
        }
    });
    EXPECT_GT(bytes, 200 * kMegabyte);
    EXPECT_EQ(outcome.finished, kLines) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 0U);
    expect_good_exchange(outcome);
    expect_within(outcome, 30 * kMegabyte);  // a line, and the names of those that were counted
}

// Longer than what a bomb may unpack to; but what is in it does not repeat itself.
TEST(Batch, AFileOfThreeHundredMegabytesThatIsPacked) {
    constexpr std::uint64_t kLines = 60'000;
    std::mt19937_64 random(5);
    std::uint64_t bytes = 0;
    const Outcome outcome =
        download(kHead + "Content-Encoding: zstd\r\nTransfer-Encoding: chunked\r\n\r\n", [&](support::Wire& wire) {
            const auto compressor = support::Compressor::create(support::Coding::zstd);
            for (std::uint64_t id = 0; id < kLines; ++id) {
                std::string content;
                while (content.size() < 5000)
                    content += std::to_string(random());
                const std::string one = line(id, '"' + content + '"');
                bytes += one.size();
                std::string packed;
                compressor->add(one, id + 1 == kLines ? support::Flush::finish : support::Flush::none, packed);
                if (!packed.empty()) wire.receive(1, chunk_of(packed));
            }
        });
    EXPECT_GT(bytes, 300 * kMegabyte);
    EXPECT_EQ(outcome.finished, kLines) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 0U);
    expect_good_exchange(outcome);
    expect_within(outcome, 60 * kMegabyte);
}

TEST(Batch, AMillionResultsOfAFewBytes) {
    const Outcome outcome = download(kChunkedHead, [&](support::Wire& wire) {
        std::string block;
        for (int i = 0; i < 1000; ++i)
            block += "{\"custom_id\":\"c\",\"error\":1}\n";
        for (int i = 0; i < 1000; ++i)
            wire.receive(1, chunk_of(block));
        wire.receive(1, chunk_of(line(1, R"("hello")")));
    });
    EXPECT_EQ(outcome.finished, 1'000'001U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

// Of a text of so many bytes, a megabyte at a time.
void receive_long_line(support::Wire& wire, std::size_t size) {
    static const std::string block(kMegabyte, 'a');
    const std::string whole = line(2, R"("|")");
    const std::size_t middle = whole.find('|');
    wire.receive(1, chunk_of(whole.substr(0, middle)));
    for (; size > 0; size -= std::min<std::size_t>(size, kMegabyte))
        wire.receive(1, chunk_of(std::string_view(block).substr(0, size)));
    wire.receive(1, chunk_of(whole.substr(middle + 1)));
}

// A line of up to 16 MB is read: it is kept once, in a buffer that doubles, and its answer is written out and read by
// the dialect while the line is still there. A longer one is passed over.
TEST(Batch, LongLines) {
    constexpr std::size_t kLargest = 16 * kMegabyte;
    for (const std::size_t size : {kLargest - 1000, kLargest, 50 * kMegabyte}) {
        const Outcome outcome = download(kChunkedHead, [&](support::Wire& wire) {
            wire.receive(1, chunk_of(line(1, R"("hello")")));
            receive_long_line(wire, size);
            wire.receive(1, chunk_of(line(3, R"("hello")")));
        });
        const bool is_read = size < kLargest;
        EXPECT_EQ(outcome.finished, is_read ? 3U : 2U) << outcome.describe();
        EXPECT_EQ(outcome.lost(Loss::frame_too_large), is_read ? 0U : 1U);
        expect_good_exchange(outcome);
        expect_within(outcome, (is_read ? 160 : 50) * kMegabyte);
    }
}

// As many brackets as a document may have: what it takes to read them is taken twice.
TEST(Batch, ALineOfBrackets) {
    std::string brackets = "[0";
    while (brackets.size() < 5 * kMegabyte)
        brackets += ",[]";
    const Outcome outcome = download(kChunkedHead, [&](support::Wire& wire) {
        wire.receive(1, chunk_of(line(1, brackets + "]")));
        wire.receive(1, chunk_of(line(2, R"("hello")")));
    });
    EXPECT_EQ(outcome.finished, 2U) << outcome.describe();
    EXPECT_EQ(outcome.records.front().usage.output, 7U);
    expect_good_exchange(outcome);
    expect_within(outcome, 200 * kMegabyte);
}

TEST(Batch, LinesDeeplyNested) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += i % 2 == 0 ? "[" : R"({"a":)";
    const Outcome outcome = download(kChunkedHead, [&](support::Wire& wire) {
        wire.receive(1, chunk_of(line(1, R"("hello")")));
        for (int i = 0; i < 10; ++i)
            wire.receive(1, chunk_of(line(2, deep)));
        wire.receive(1, chunk_of(line(3, R"("hello")")));
    });
    EXPECT_EQ(outcome.lost(Loss::bad_json), 10U) << outcome.describe();
    EXPECT_EQ(outcome.records.front().completeness, model::Completeness::complete);
    expect_good_exchange(outcome);
    expect_within(outcome, 40 * kMegabyte);
}

// What is unpacked before the decoder gives up counts, and that it gave up is said.
TEST(Batch, AFileThatUnpacksToAGigabyte) {
    std::string block;
    while (block.size() < 16 * kMegabyte)
        block += line(1, text_of(100));
    std::string body;
    const auto compressor = support::Compressor::create(support::Coding::zstd);
    compressor->add(line(0, R"("hello")"), support::Flush::sync, body);
    for (std::uint64_t size = 0; size < kGigabyte; size += block.size())
        compressor->add(block, support::Flush::sync, body);
    EXPECT_LT(body.size(), kMegabyte);
    const Outcome outcome = tell(
        [&](support::Wire& wire) {
            wire.open(1);
            wire.send(1, kAsk);
            wire.receive(
                1, kHead + "Content-Encoding: zstd\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
            wire.receive(1, body);
            wire.close(1);
            tell_good_exchange(wire, 2);
        },
        counted());
    EXPECT_EQ(outcome.lost(Loss::content_coding_limit), 1U) << outcome.describe();
    EXPECT_EQ(outcome.records.front().usage.output, 7U);
    std::uint64_t counted_again = 0;
    for (std::size_t i = 2; i + 1 < outcome.records.size(); ++i)
        counted_again += outcome.records[i].usage.output.value_or(0);
    EXPECT_EQ(counted_again, 0U);  // it is one and the same result
    expect_good_exchange(outcome);
    expect_within(outcome, 30 * kMegabyte);
}

}  // namespace
}  // namespace llmsnoop::hostile
