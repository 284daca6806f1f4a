// Many of everything: connections, WebSocket frames, bodies that never end; and offsets at the end of the number range.
#include "tests/hostile/hostile_case.h"
#include "tests/hostile/http2_frames.h"
#include "tests/support/net/compression.h"
#include "tests/support/net/websocket_frames.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;

TEST(Many, ConnectionsOpenedAndNeverClosed) {
    constexpr std::uint64_t kConnections = 100'000;
    const Outcome outcome = tell([](support::Wire& wire) {
        for (std::uint64_t id = 1; id <= kConnections; ++id) {
            wire.open(id);
            wire.send(id, request_head("Content-Length: 1000\r\n") + R"({"model":"gpt-4o",)");
        }
    });
    // 65,536 are followed; each has a record in the end, the others are counted.
    EXPECT_EQ(outcome.lost(Loss::connection_limit), kConnections - 65536) << outcome.describe();
    EXPECT_EQ(outcome.finished, 65536U);
    EXPECT_EQ(outcome.lowered, outcome.finished);
    expect_within(outcome, 700 * kMegabyte);  // 65,536 times some 9 KB
}

TEST(Many, ConnectionsThatSayNothing) {
    const Outcome outcome = tell([](support::Wire& wire) {
        for (std::uint64_t id = 1; id <= 100'000; ++id)
            wire.open(id);
    });
    EXPECT_GT(outcome.lost(Loss::connection_limit), 0U) << outcome.describe();
    expect_within(outcome, 500 * kMegabyte);  // 65,536 times some 7 KB
}

TEST(Many, ConnectionsOneAfterTheOther) {
    const Outcome outcome = tell([](support::Wire& wire) {
        for (std::uint64_t id = 1; id <= 100'000; ++id)
            tell_good_exchange(wire, id);
    });
    EXPECT_EQ(outcome.finished, 100'000U);
    EXPECT_EQ(outcome.lowered, 0U);
    expect_good_exchange(outcome);
    expect_within(outcome, 30 * kMegabyte);
}

// Each within the limits of one body; together they are 4 GB.
TEST(Many, BodiesThatAreLargeTogether) {
    constexpr unsigned kBodies = 128;
    std::string body;
    const auto compressor = support::Compressor::create(support::Coding::gzip);
    compressor->add(R"({"model":"gpt-4o","messages":[{"role":"user","content":")", support::Flush::sync, body);
    compressor->add(std::string(30 * kMegabyte, 'a'), support::Flush::sync, body);
    const Outcome outcome = tell([&](support::Wire& wire) {
        for (std::uint64_t id = 1; id <= kBodies; ++id) {
            wire.open(id);
            wire.send(id, request_head("Content-Encoding: gzip\r\nContent-Length: 1000000\r\n") + body);
        }
        tell_good_exchange(wire, kBodies + 1);
    });
    EXPECT_GT(outcome.lost(Loss::memory_limit), kBodies / 2) << outcome.describe();
    EXPECT_EQ(outcome.finished, kBodies + 1U);
    EXPECT_EQ(outcome.lowered, kBodies);
    // The budget, half as much again for the moment when a buffer grows, and what reading the last one needs.
    expect_within(outcome, 640 * kMegabyte);
}

TEST(Many, WebSocketMessagesThatAreLargeTogether) {
    constexpr unsigned kMessages = 128;
    const Outcome outcome = tell([&](support::Wire& wire) {
        for (std::uint64_t id = 1; id <= kMessages; ++id) {
            wire.open(id);
            wire.send(id,
                      "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade"
                      "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGxtc25vb3AgdGVzdHMhIQ==\r\n\r\n");
            wire.receive(id,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n");
            // A text frame of 16 MB, masked, of which a byte is missing.
            wire.send(id, std::string("\x81\xff", 2) + number_of(16 * kMegabyte, 8) + std::string(4, 'm'));
            for (int i = 0; i < 15; ++i)
                wire.send(id, std::string(kMegabyte, 'x'));
        }
        tell_good_exchange(wire, kMessages + 1);
    });
    EXPECT_GT(outcome.lost(Loss::memory_limit), kMessages / 2) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 512 * kMegabyte);
}

class WebSocketLength : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(WebSocketLength, ThatLies) {
    for (const unsigned first : {0x81U, 0xc1U, 0x01U, 0x89U, 0x82U}) {
        const std::string head = std::string(1, static_cast<char>(first)) + "\x7f" + number_of(GetParam(), 8);
        const Outcome outcome = tell([&](support::Wire& wire) {
            wire.open(1);
            wire.send(
                1,
                "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGxtc25vb3AgdGVzdHMhIQ==\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            wire.receive(1,
                         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: " +
                             support::accept_key("bGxtc25vb3AgdGVzdHMhIQ==") +
                             "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            support::FrameWriter client(support::Masking::masked, support::Deflate::none);
            std::string request;
            client.text(request, R"({"type":"response.create","model":"gpt-4.1","input":"hi"})", 0);
            wire.send(1, request);
            wire.receive(1, head);
            for (int i = 0; i < 100; ++i)
                wire.receive(1, std::string(kMegabyte / 4, 'x'));
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        expect_told(outcome);
        EXPECT_EQ(outcome.finished, 2U) << outcome.describe();
        EXPECT_NE(outcome.records.front().completeness, model::Completeness::complete);
        expect_good_exchange(outcome);
        expect_within(outcome, 100 * kMegabyte);
    }
}

INSTANTIATE_TEST_SUITE_P(Many, WebSocketLength,
                         ::testing::Values(std::uint64_t{0x7fffffff}, std::uint64_t{0x80000000},
                                           std::uint64_t{0x7fffffffffffffff}, std::uint64_t{0x8000000000000000},
                                           std::uint64_t{0xffffffffffffffff}));

TEST(Many, WebSocketFragmentsWithoutEnd) {
    const Outcome outcome = tell([](support::Wire& wire) {
        wire.open(1);
        wire.send(1,
                  "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGxtc25vb3AgdGVzdHMhIQ==\r\n\r\n");
        wire.receive(1,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: " +
                         support::accept_key("bGxtc25vb3AgdGVzdHMhIQ==") + "\r\n\r\n");
        support::FrameWriter client(support::Masking::masked, support::Deflate::none);
        std::string request;
        client.text(request, R"({"type":"response.create","model":"gpt-4.1","input":"hi"})", 0);
        wire.send(1, request);
        wire.receive(1, std::string("\x01\x01{", 3));
        const std::string empty("\x00\x00", 2);
        const std::string long_one = std::string("\x00\x7e\xff\xff", 4) + std::string(0xffff, 'x');
        for (int i = 0; i < 1'000'000; ++i)
            wire.receive(1, empty);
        for (int i = 0; i < 1000; ++i)
            wire.receive(1, long_one);
        wire.close(1);
    });
    EXPECT_GT(outcome.lost(Loss::websocket_message_limit), 0U) << outcome.describe();
    EXPECT_EQ(outcome.lowered, outcome.finished);
    expect_within(outcome, 100 * kMegabyte);
}

// What a capture says of offsets and lengths is not trusted either.
TEST(Many, OffsetsAtTheEndOfTheRange) {
    for (const std::uint64_t offset : {0x7fffffffULL, 0xffffffffULL, 0x7fffffffffffffffULL, 0xfffffffffffffff0ULL}) {
        for (const std::uint64_t length : {0ULL, 0x80000000ULL, 0x8000000000000000ULL, 0xffffffffffffffffULL}) {
            for (const auto ordering : {model::Ordering::in_order, model::Ordering::may_reorder}) {
                const Outcome outcome = tell([&](support::Wire& wire) {
                    model::ConnectionOpened opened;
                    opened.id = 1;
                    opened.time = wire.tick();
                    opened.from_start = true;
                    opened.ordering = ordering;
                    wire.deliver(opened);
                    wire.send(1, with_length(kSmallRequest));
                    wire.receive(
                        1, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{");
                    model::Chunk chunk;
                    chunk.connection = 1;
                    chunk.direction = model::Direction::received;
                    chunk.offset = offset;
                    chunk.time = wire.tick();
                    chunk.bytes = base::as_bytes("\"usage\":{}}");
                    chunk.length = std::max<std::uint64_t>(length, chunk.bytes.size());
                    wire.deliver(chunk);
                    wire.deliver(chunk);
                    wire.close(1);
                    tell_good_exchange(wire, 2);
                });
                expect_told(outcome);
                ASSERT_EQ(outcome.finished, 2U);
                EXPECT_NE(outcome.records.front().completeness, model::Completeness::complete);
                expect_good_exchange(outcome);
                expect_within(outcome, 20 * kMegabyte);
            }
        }
    }
}

// Segments beyond a hole that never fills.
TEST(Many, SegmentsBehindAHole) {
    const std::string block(kMegabyte / 16, 'x');
    const Outcome outcome = tell([&](support::Wire& wire) {
        model::ConnectionOpened opened;
        opened.id = 1;
        opened.time = wire.tick();
        opened.from_start = true;
        opened.ordering = model::Ordering::may_reorder;
        wire.deliver(opened);
        wire.send(1, with_length(kSmallRequest));
        for (std::uint64_t i = 0; i < 10'000; ++i) {
            model::Chunk chunk;
            chunk.connection = 1;
            chunk.direction = model::Direction::received;
            chunk.offset = 1 + i * 2 * block.size();
            chunk.time = wire.tick();
            chunk.bytes = base::as_bytes(block);
            chunk.length = block.size();
            wire.deliver(chunk);
        }
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GT(outcome.lost(Loss::reorder_limit) + outcome.lost(Loss::stream_gap), 0U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 40 * kMegabyte);
}

}  // namespace
}  // namespace llmsnoop::hostile
