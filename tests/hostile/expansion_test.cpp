// A gigabyte out of about a megabyte (or less): content codings, and permessage-deflate.
#include "tests/hostile/hostile_case.h"
#include "tests/hostile/http2_frames.h"
#include "tests/support/net/compression.h"
#include "tests/support/net/websocket_frames.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;
using support::Coding;

// `head`, then a gigabyte of `filling`, in the given coding. Flushed blocks of the same text become the same bytes once
// the window is full of it, so that the fourth can stand for all that follow. There is no end: no decoder gets there.
std::string bomb(Coding coding, std::string_view head, std::string_view filling) {
    std::string block;
    while (block.size() < 16 * kMegabyte)
        block += filling;
    std::string out;
    const auto compressor = support::Compressor::create(coding);
    compressor->add(head, support::Flush::sync, out);
    std::string repeated;
    for (int i = 0; i < 4; ++i) {
        repeated.clear();
        compressor->add(block, support::Flush::sync, repeated);
        out += repeated;
    }
    for (std::uint64_t size = 4 * block.size(); size < kGigabyte; size += block.size())
        out += repeated;
    return out;
}

std::string coding_header(Coding coding) {
    return "Content-Encoding: " + std::string(support::header_value(coding)) + "\r\n";
}

class Expansion : public ::testing::TestWithParam<Coding> {
 protected:
    // A document is kept up to 32 MB, in a buffer that doubles; a request's once more until it is recognised; then the
    // decoder's window, and what reading it with goodwill needs.
    static constexpr std::uint64_t kDocumentBound = 256 * kMegabyte;
    // A stream is counted event by event.
    static constexpr std::uint64_t kStreamBound = 100 * kMegabyte;
};

TEST_P(Expansion, OfADocument) {
    const std::string body = bomb(GetParam(), R"({"id":"x","choices":[{"message":{"content":")", "a");
    EXPECT_LT(body.size(), 2 * kMegabyte);
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + coding_header(GetParam()) +
                            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n");
        wire.receive(1, body);
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_EQ(outcome.finished, 2U);
    EXPECT_EQ(outcome.lost(Loss::content_coding_limit), 1U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 1U);
    EXPECT_EQ(outcome.records.front().completeness, model::Completeness::truncated);
    expect_good_exchange(outcome);
    expect_within(outcome, kDocumentBound);
}

TEST_P(Expansion, OfARequest) {
    const std::string body = bomb(GetParam(), R"({"model":"gpt-4o","messages":[{"role":"user","content":")", "a");
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1,
                  request_head(coding_header(GetParam()) + "Content-Length: " + std::to_string(body.size()) + "\r\n"));
        wire.send(1, body);
        wire.receive(1, answer_with_length(kAnswer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_EQ(outcome.lost(Loss::content_coding_limit), 1U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 1U);
    EXPECT_EQ(outcome.records.front().usage.output, 7U);  // the answer is none the worse for it
    expect_good_exchange(outcome);
    expect_within(outcome, kDocumentBound);
}

TEST_P(Expansion, OfAStream) {
    const std::string body =
        bomb(GetParam(), "", "data: {\"choices\":[{\"delta\":{\"content\":\"aaaaaaaaaaaaaaaaaa\"}}]}\n\n");
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kStreamRequest));
        wire.receive(1, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + coding_header(GetParam()) +
                            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n");
        wire.receive(1, body);
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_EQ(outcome.lost(Loss::content_coding_limit), 1U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, 1U);
    expect_good_exchange(outcome);
    expect_within(outcome, kStreamBound);
}

INSTANTIATE_TEST_SUITE_P(Codings, Expansion, ::testing::Values(Coding::gzip, Coding::br, Coding::zstd),
                         [](const auto& one) { return std::string(support::header_value(one.param)); });

TEST(Expansion, OfABodyCodedTwice) {
    std::string once;
    support::Compressor::create(Coding::gzip)->add(bomb(Coding::gzip, "", "a"), support::Flush::finish, once);
    EXPECT_LT(once.size(), 64U << 10);
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1, with_length(kSmallRequest));
        wire.receive(1,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip, gzip\r\n"
                     "Content-Length: " +
                         std::to_string(once.size()) + "\r\n\r\n");
        wire.receive(1, once);
        wire.close(1);
    });
    EXPECT_EQ(outcome.lost(Loss::content_coding_limit), 1U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, outcome.finished);
    expect_within(outcome, 200 * kMegabyte);
}

TEST(Expansion, OfAWebSocketMessage) {
    // Pieces of one deflate stream, each ended by an empty block, which the last of a message leaves out (RFC 7692).
    support::MessageDeflater deflater(support::Deflate::takeover);
    const std::string tail("\x00\x00\xff\xff", 4);
    const std::string block(16 * kMegabyte, 'a');
    std::string payload = deflater.deflate(R"({"type":"response.output_text.delta","delta":")");
    std::string repeated;
    for (int i = 0; i < 4; ++i) {
        repeated = deflater.deflate(block);
        payload += tail + repeated;
    }
    for (std::uint64_t size = 4 * block.size(); size < kGigabyte; size += block.size())
        payload += tail + repeated;
    const std::string compressed = "\xc1\x7f" + number_of(payload.size(), 8) + payload;
    EXPECT_LT(compressed.size(), 2 * kMegabyte);
    const Outcome outcome = tell([&](support::Wire& wire) {
        wire.open(1);
        wire.send(1,
                  "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGxtc25vb3AgdGVzdHMhIQ==\r\n"
                  "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        wire.receive(1,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: " +
                         support::accept_key("bGxtc25vb3AgdGVzdHMhIQ==") +
                         "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n");
        support::FrameWriter client(support::Masking::masked, support::Deflate::none);
        std::string request;
        client.text(request, R"({"type":"response.create","model":"gpt-4.1","input":"hi"})", 0);
        wire.send(1, request);
        wire.receive(1, compressed);
        support::FrameWriter server(support::Masking::none, support::Deflate::no_takeover);
        std::string last;
        server.text(
            last,
            R"({"type":"response.completed","response":{"id":"resp_1","object":"response","model":"gpt-4.1",)"
            R"("status":"completed","output":[],"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}})",
            0);
        wire.receive(1, last);
        wire.close(1);
    });
    EXPECT_EQ(outcome.lost(Loss::websocket_message_limit), 1U) << outcome.describe();
    ASSERT_EQ(outcome.finished, 1U);
    EXPECT_EQ(outcome.records[0].completeness, model::Completeness::truncated);
    EXPECT_EQ(outcome.records[0].usage.output, 7U);  // the message behind it is read
    expect_within(outcome, 128 * kMegabyte);         // 16 MB of a message, in buffers that double
}

}  // namespace
}  // namespace llmsnoop::hostile
