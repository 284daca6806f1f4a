// Bodies: nesting, tiny events by the million, text that is none, keys twice, prefixed lengths that lie.
#include <zlib.h>

#include <ostream>

#include "tests/hostile/hostile_case.h"
#include "tests/support/net/append.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;

constexpr std::size_t kDeep = 100'000;

std::string nested(char open, char close) {
    std::string text;
    if (open == '[') return std::string(kDeep, '[') + "1" + std::string(kDeep, ']');
    for (std::size_t i = 0; i < kDeep; ++i)
        text += R"({"a":)";
    return text + "1" + std::string(kDeep, close);
}

struct Nesting {
    std::string_view name;
    std::string value;

    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name.
    friend void PrintTo(const Nesting& one, std::ostream* out) { *out << one.name; }
};

std::vector<Nesting> nestings() {
    std::string objects;
    for (std::size_t i = 0; i < kDeep; ++i)
        objects += R"({"a":)";
    return {{"arrays", nested('[', ']')},
            {"objects", nested('{', '}')},
            {"arrays_open", std::string(kDeep, '[')},
            {"objects_open", objects},
            {"closed_only", std::string(kDeep, ']')}};
}

class Nested : public ::testing::TestWithParam<Nesting> {};

TEST_P(Nested, InTheRequest) {
    const std::string body = R"({"model":"gpt-4o","messages":)" + GetParam().value + "}";
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(body));
        wire.receive(1, answer_with_length(kAnswer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    ASSERT_EQ(outcome.finished, 2U);
    EXPECT_EQ(outcome.records.front().usage.output, 7U);  // the answer says it
    EXPECT_EQ(outcome.lost(Loss::bad_json), 1U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 40 * kMegabyte);
}

TEST_P(Nested, InTheAnswer) {
    const std::string body = R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o","choices":)" +
                             GetParam().value +
                             R"(,"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})";
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, answer_with_length(body));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    ASSERT_EQ(outcome.finished, 2U);
    // Whether the usage behind the nesting was found or not: the document could not be read as it is.
    EXPECT_EQ(outcome.lost(Loss::bad_json), 1U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 40 * kMegabyte);
}

TEST_P(Nested, InAnEvent) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        for (int i = 0; i < 10; ++i)
            wire.receive(1, chunk_of("data: {\"choices\":" + GetParam().value + "}\n\n"));
        wire.receive(1, chunk_of(kUsageEvent) + "0\r\n\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    ASSERT_EQ(outcome.finished, 2U);
    EXPECT_EQ(outcome.records.front().usage.output, 7U);  // the events behind it are read
    EXPECT_EQ(outcome.lost(Loss::bad_json), 10U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 40 * kMegabyte);
}

INSTANTIATE_TEST_SUITE_P(Json, Nested, ::testing::ValuesIn(nestings()),
                         [](const auto& one) { return std::string(one.param.name); });

// A million events of a few bytes each, and the one that counts at the end.
void tell_tiny_events(support::Wire& wire, std::string_view event) {
    std::string block;
    for (int i = 0; i < 1000; ++i)
        block += event;
    wire.open(1);
    wire.send(1, with_length(kStreamRequest));
    wire.receive(1, kStreamHead);
    for (int i = 0; i < 1000; ++i)
        wire.receive(1, chunk_of(block));
    wire.receive(1, chunk_of(kUsageEvent) + "0\r\n\r\n");
    wire.close(1);
}

TEST(TinyEvents, AreCountedAndNotKept) {
    for (const std::string_view event :
         {"data\n\n", "data: {}\n\n", ":\n\n", "\n", "id: 1\n\n", "data: x\n\n", "event: e\n\n", "retry: 1\n\n",
          "data: 0\n\n", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"}) {
        const Outcome outcome = tell([&](support::Wire& wire) { tell_tiny_events(wire, event); });
        EXPECT_EQ(outcome.finished, 1U);
        EXPECT_EQ(outcome.records.front().usage.output, 7U);
        if (event == "data: x\n\n") {
            EXPECT_EQ(outcome.lost(Loss::bad_json), 1'000'000U);
            EXPECT_EQ(outcome.lowered, 1U);
        } else {
            expect_good_exchange(outcome);
        }
        expect_within(outcome, 50 * kMegabyte);
    }
}

TEST(Documents, AnEventWithoutEnd) {
    const std::string block(kMegabyte, 'a');
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        wire.receive(1, chunk_of("data: \""));
        for (int i = 0; i < 500; ++i)
            wire.receive(1, chunk_of(block));
        wire.receive(1, chunk_of("\"\n\n"));
        wire.receive(1, chunk_of(kUsageEvent) + "0\r\n\r\n");
        wire.close(1);
    });
    EXPECT_EQ(outcome.lost(Loss::frame_too_large), 1U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 1U);
    EXPECT_EQ(outcome.records.front().usage.output, 7U);
    expect_within(outcome, 100 * kMegabyte);  // 16 MB of an event, in buffers that double
}

TEST(Documents, ADocumentOfAGigabyte) {
    const std::string block(kMegabyte, 'a');
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        wire.receive(1, chunk_of(R"({"id":"x","choices":[{"message":{"content":")"));
        for (int i = 0; i < 1024; ++i)
            wire.receive(1, chunk_of(block));
        wire.receive(1, chunk_of(R"("}}]})") + "0\r\n\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GT(outcome.lost(Loss::frame_too_large), 0U) << outcome.describe();
    EXPECT_EQ(outcome.records.front().completeness, model::Completeness::truncated);
    expect_good_exchange(outcome);
    expect_within(outcome, 200 * kMegabyte);
}

TEST(Documents, OnlyBrackets) {
    // The parser's index takes many bytes for each bracket: 30 MB of them would be half a gigabyte.
    std::string body = R"({"choices":[)";
    while (body.size() < 30 * kMegabyte)
        body += "[],";
    body += "0]}";
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, answer_with_length(body));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    expect_good_exchange(outcome);
    expect_within(outcome, 300 * kMegabyte);
}

TEST(Documents, BytesThatAreNoText) {
    const std::vector<std::string> bad = {
        "\xff\xfe\xfd",          "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",       std::string(1, '\0'),
        std::string(1000, '\0'), "\x80",     "\\ud800",      "\\u0000",          "\\ud800\\u0041", "\x01\x02\x1b[2J"};
    for (const std::string& bytes : bad) {
        const std::string body =
            R"({"model":"gpt-4o)" + bytes + R"(","messages":[{"role":"user","content":")" + bytes + "\"}]}";
        std::string answer(kAnswer);
        answer.replace(answer.find("hello"), 5, bytes);
        std::string event =
            R"(data: {"id":"chatcmpl-)" + bytes + R"(","choices":[{"delta":{"content":")" + bytes + "\"}}]}\n\n";
        const Outcome outcome = tell([&](support::Wire& wire) {
            wire.open(1);
            wire.send(1, with_length(body));
            wire.receive(1, answer_with_length(answer));
            wire.send(1, with_length(kStreamRequest));
            wire.receive(1, std::string(kStreamHead) + chunk_of(event) + chunk_of(kUsageEvent) + "0\r\n\r\n");
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        ASSERT_EQ(outcome.finished, 3U) << outcome.describe();
        EXPECT_EQ(outcome.records[0].usage.output, 7U);
        EXPECT_EQ(outcome.records[1].usage.output, 7U);
        expect_good_exchange(outcome);
        expect_within(outcome, 20 * kMegabyte);
    }
}

TEST(Documents, KeysTwice) {
    const std::string answer =
        R"({"id":"a","id":"b","object":"chat.completion","model":"gpt-4o","model":"gpt-4o-mini","choices":[],)"
        R"("usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens":7,"prompt_tokens":11,"total_tokens":18},)"
        R"("usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})";
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(
            1, with_length(
                   R"({"model":"gpt-4o","model":"gpt-4o","messages":[],"messages":[{"role":"user","content":"x"}]})"));
        wire.receive(1, answer_with_length(answer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    ASSERT_EQ(outcome.finished, 2U);
    // The last is taken, as most parsers do; never their sum.
    EXPECT_EQ(outcome.records[0].usage.output, 7U);
    EXPECT_EQ(outcome.records[0].usage.input, 11U);
    expect_good_exchange(outcome);
}

TEST(Documents, UsageAThousandTimes) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        for (int i = 0; i < 1000; ++i)
            wire.receive(1, chunk_of(kUsageEvent));
        wire.receive(1, "0\r\n\r\n");
        wire.close(1);
    });
    ASSERT_EQ(outcome.finished, 1U);
    expect_good_exchange(outcome);  // 11 and 7, not thousands
}

TEST(Documents, NumbersOutOfRange) {
    for (const std::string_view number :
         {"18446744073709551616", "1e400", "-1", "-9223372036854775808", "9223372036854775808", "1e18", "0.5", "null",
          "\"7\"", "[7]", "{}", "true", "1e", "0x7"}) {
        const std::string answer =
            R"({"id":"a","object":"chat.completion","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":)" +
            std::string(number) + R"(,"total_tokens":)" + std::string(number) + "}}";
        const Outcome outcome = tell([&](support::Wire& wire) {
            wire.open(1);
            wire.send(1, with_length(kSmallRequest));
            wire.receive(1, answer_with_length(answer));
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        ASSERT_EQ(outcome.finished, 2U) << number;
        EXPECT_EQ(outcome.records[0].usage.input, 11U) << number;
        EXPECT_EQ(outcome.records[0].usage.output, std::nullopt) << number;
        expect_good_exchange(outcome);
    }
}

std::string big_endian(std::uint32_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xff);
    return out;
}

std::uint32_t crc(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

TEST(Documents, EventStreamPreludesThatLie) {
    for (const std::uint32_t total : {0x00000000U, 0x0000000fU, 0x7fffffffU, 0x80000000U, 0xffffffffU, 0x01000001U}) {
        for (const std::uint32_t headers : {0x00000000U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
            for (const bool right_sum : {true, false}) {
                const std::string lengths = big_endian(total) + big_endian(headers);
                const std::string prelude = lengths + big_endian(crc(lengths) ^ (right_sum ? 0 : 1));
                const Outcome outcome = tell([&](support::Wire& wire) {
                    wire.open(1);
                    const std::string body = R"({"messages":[{"role":"user","content":[{"text":"hi"}]}]})";
                    wire.send(1,
                              "POST /model/anthropic.claude-3-haiku-20240307-v1:0/converse-stream HTTP/1.1\r\n"
                              "Host: bedrock-runtime.us-east-1.amazonaws.com\r\nContent-Type: application/json\r\n"
                              "Content-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body);
                    wire.receive(1,
                                 "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n");
                    wire.receive(1, chunk_of(prelude + std::string(100'000, 'x')));
                    wire.receive(1, "0\r\n\r\n");
                    wire.close(1);
                    tell_good_exchange(wire, 2);
                });
                ASSERT_EQ(outcome.finished, 2U);
                EXPECT_NE(outcome.records[0].completeness, model::Completeness::complete) << outcome.describe();
                expect_told(outcome);
                expect_good_exchange(outcome);
                expect_within(outcome, 20 * kMegabyte);
            }
        }
    }
}

}  // namespace
}  // namespace llmsnoop::hostile
