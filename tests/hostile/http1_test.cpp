// HTTP/1.1: lengths out of this world, heads and trailers without end, requests that nobody answers.
#include "tests/hostile/hostile_case.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;

class Length : public ::testing::TestWithParam<const char*> {};

TEST_P(Length, AsContentLengthOfTheAnswer) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                            std::string(GetParam()) + "\r\n\r\n" + std::string(kAnswer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    for (std::size_t i = 0; i + 1 < outcome.records.size(); ++i)
        EXPECT_NE(outcome.records[i].completeness, model::Completeness::complete);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST_P(Length, AsContentLengthOfTheRequest) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, request_head("Content-Length: " + std::string(GetParam()) + "\r\n") + std::string(kSmallRequest));
        wire.receive(1, answer_with_length(kAnswer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    for (std::size_t i = 0; i + 1 < outcome.records.size(); ++i)
        EXPECT_NE(outcome.records[i].completeness, model::Completeness::complete);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

INSTANTIATE_TEST_SUITE_P(Decimal, Length,
                         ::testing::Values("2147483647", "2147483648", "4294967295", "4294967296",
                                           "9223372036854775807", "9223372036854775808", "18446744073709551615",
                                           "18446744073709551616", "99999999999999999999999999999999", "-1", "0x10",
                                           "1, 2"));

class ChunkSize : public ::testing::TestWithParam<const char*> {};

TEST_P(ChunkSize, OfTheAnswer) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        wire.receive(1, std::string(GetParam()) + "\r\n" + std::string(kUsageEvent));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    ASSERT_GE(outcome.finished, 2U);
    EXPECT_NE(outcome.records[0].completeness, model::Completeness::complete);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

INSTANTIATE_TEST_SUITE_P(Hexadecimal, ChunkSize,
                         ::testing::Values("7fffffff", "80000000", "ffffffff", "100000000", "7fffffffffffffff",
                                           "8000000000000000", "ffffffffffffffff", "10000000000000000",
                                           "ffffffffffffffffffffffffffffffff", "-1", "zz", ""));

TEST(Http1, AHeaderOfAHundredMegabytes) {
    const std::string block(kMegabyte, 'a');
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nX-Long: ");
        for (int i = 0; i < 100; ++i)
            wire.send(1, block);
        wire.send(1, "\r\n\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GT(outcome.lost(Loss::http_head_limit) + outcome.lost(Loss::http_desync), 0U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, AHeaderOfAHundredMegabytesInTheAnswer) {
    const std::string block(kMegabyte, 'a');
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, "HTTP/1.1 200 OK\r\nX-Long: ");
        for (int i = 0; i < 100; ++i)
            wire.receive(1, block);
        wire.receive(1, "\r\n\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GT(outcome.lost(Loss::http_head_limit) + outcome.lost(Loss::http_desync), 0U) << outcome.describe();
    EXPECT_NE(outcome.records.front().completeness, model::Completeness::complete);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, AMillionHeaders) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\n");
        for (int i = 0; i < 1'000'000; ++i)
            wire.send(1, "a: b\r\n");
        wire.send(1, "\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GT(outcome.lost(Loss::http_head_limit) + outcome.lost(Loss::http_desync), 0U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, TrailersWithoutEnd) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        wire.receive(1, chunk_of(kUsageEvent) + "0\r\n");
        for (int i = 0; i < 1'000'000; ++i)
            wire.receive(1,
                         "X-Trailer: and another one and another one and another one and another one and another\r\n");
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    ASSERT_GE(outcome.finished, 2U);
    EXPECT_NE(outcome.records.front().completeness, model::Completeness::complete);
    EXPECT_EQ(outcome.records.front().usage.output, 7U);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, AChunkExtensionWithoutEnd) {
    const std::string block(kMegabyte, 'e');
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, kStreamHead);
        wire.receive(1, "10;ext=");
        for (int i = 0; i < 100; ++i)
            wire.receive(1, block);
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, InformationalAnswersWithoutEnd) {
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        for (int i = 0; i < 300'000; ++i)
            wire.receive(1, "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n");
        wire.receive(1, answer_with_length(kAnswer));
        wire.close(1);
    });
    EXPECT_EQ(outcome.finished, 1U);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, AHundredThousandRequestsWithoutAnAnswer) {
    const std::string request = with_length(kSmallRequest);
    constexpr std::uint64_t kRequests = 100'000;
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        for (std::uint64_t i = 0; i < kRequests; ++i)
            wire.send(1, request);
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    // Those that are followed have a record, which says that they had no answer; the others are counted.
    EXPECT_EQ(outcome.lowered, outcome.finished - 1);
    EXPECT_GE(outcome.finished - 1 + outcome.lost(Loss::http_stream_limit) + outcome.lost(Loss::exchange_limit),
              kRequests)
        << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 50 * kMegabyte);
}

TEST(Http1, AnswersThatNobodyAskedFor) {
    const std::string answer = answer_with_length(kAnswer);
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        for (int i = 0; i < 100'000; ++i)
            wire.receive(1, answer);
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    // Each is recorded as one whose request was not seen.
    EXPECT_EQ(outcome.lost(Loss::http_unpaired), 99'999U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, outcome.finished - 2);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http1, OneByteAtATime) {
    const std::string request = with_length(kStreamRequest);
    std::string answer(kStreamHead);
    for (int i = 0; i < 20'000; ++i)
        answer += chunk_of("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
    answer += chunk_of(kUsageEvent) + "0\r\n\r\n";
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        for (const char& byte : request)
            wire.send(1, {&byte, 1});
        for (const char& byte : answer)
            wire.receive(1, {&byte, 1});
        wire.close(1);
    });
    EXPECT_EQ(outcome.finished, 1U);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

}  // namespace
}  // namespace llmsnoop::hostile
