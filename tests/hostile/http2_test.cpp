// HTTP/2: header bombs and floods, streams by the hundred thousand, lengths that lie; gRPC's too.
#include "tests/hostile/hostile_case.h"
#include "tests/hostile/http2_frames.h"

namespace llmsnoop::hostile {
namespace {

using model::Loss;

void begin(support::Wire& wire, model::ConnectionId id) {
    wire.open(id);
    wire.send(id, std::string(kPreface) + frame(FrameType::settings, 0, 0, ""));
    wire.receive(id, frame(FrameType::settings, 0, 0, ""));
}

void good_stream(support::Wire& wire, model::ConnectionId id, std::uint32_t stream) {
    wire.send(id, request_on(stream, kSmallRequest));
    wire.receive(id, answer_on(stream, kAnswer));
}

TEST(Http2, GoodStreamsAreWhole) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        for (std::uint32_t stream = 1; stream < 200'000; stream += 2)
            good_stream(wire, 1, stream);
        wire.close(1);
    });
    EXPECT_EQ(outcome.finished, 100'000U);
    EXPECT_EQ(outcome.lowered, 0U) << outcome.describe();
    expect_good_exchange(outcome);
    expect_within(outcome, 30 * kMegabyte);
}

// One entry of 4 KB in the table, and then a reference to it in every byte: a header list of 4 GB out of a megabyte.
TEST(Http2, ATableEntryNamedAMillionTimes) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        wire.send(1, frame(FrameType::headers, kEndHeaders | kEndStream, 1,
                           request_block() + literal("x", std::string(4000, 'v'), Indexing::incremental)));
        wire.receive(1, answer_on(1, kAnswer));
        wire.send(1, frame(FrameType::headers, kEndStream, 3, request_block()));
        const std::string references(16384, '\xbe');  // index 62: the newest entry of the dynamic table
        for (int i = 0; i < 64; ++i)
            wire.send(1, frame(FrameType::continuation, i == 63 ? kEndHeaders : 0, 3, references));
        wire.receive(1, answer_on(3, kAnswer));
        good_stream(wire, 1, 5);  // the table is still known
        wire.close(1);
    });
    EXPECT_GT(outcome.lost(Loss::http_head_limit), 0U) << outcome.describe();
    EXPECT_GT(outcome.lowered, 0U);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

// The same, where each reference makes a new entry (indexed name, new value): the table turns over all the time.
TEST(Http2, AMillionNewEntries) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        wire.send(1, frame(FrameType::headers, 0, 1, request_block()));
        std::string entries;
        while (entries.size() < 16000)
            entries += literal("", "", Indexing::incremental);
        for (int i = 0; i < 400; ++i)
            wire.send(1, frame(FrameType::continuation, i == 399 ? kEndHeaders : 0, 1, entries));
        wire.send(1, frame(FrameType::data, kEndStream, 1, kSmallRequest));
        wire.receive(1, answer_on(1, kAnswer));
        good_stream(wire, 1, 3);
        wire.close(1);
    });
    expect_told(outcome);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http2, ATableOfFourGigabytes) {
    const Outcome outcome = tell([](support::Wire& wire) {
        wire.open(1);
        const std::string settings = number_of(1, 2) + number_of(0xffffffff, 4);  // SETTINGS_HEADER_TABLE_SIZE
        wire.send(1, std::string(kPreface) + frame(FrameType::settings, 0, 0, settings));
        wire.receive(1, frame(FrameType::settings, 0, 0, settings));
        // Dynamic table size update to 2^32-1 (RFC 7541, section 6.3), and entries to fill it.
        const std::string update("\x3f\xe0\xff\xff\xff\x0f", 6);
        for (std::uint32_t stream = 1; stream < 20'000; stream += 2) {
            std::string block = stream == 1 ? update : "";
            block += request_block() +
                     literal("n" + std::to_string(stream), std::string(10'000, 'v'), Indexing::incremental);
            wire.send(1, frame(FrameType::headers, kEndHeaders, stream, block) +
                             frame(FrameType::data, kEndStream, stream, kSmallRequest));
            wire.receive(1, answer_on(stream, kAnswer));
        }
        wire.close(1);
    });
    EXPECT_EQ(outcome.finished, 10'000U) << outcome.describe();
    for (const model::Exchange& one : outcome.records)
        EXPECT_EQ(one.usage.output, 7U);
    expect_within(outcome, 30 * kMegabyte);
}

TEST(Http2, AFloodOfContinuations) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16384}}) {
        const std::string one = frame(FrameType::continuation, 0, 1, std::string(size, 'a'));
        const Outcome outcome = tell([&](support::Wire& wire) {
            begin(wire, 1);
            wire.send(1, frame(FrameType::headers, 0, 1, request_block()));
            for (std::size_t i = 0; i < (size > 1 ? 6400 : 1'000'000); ++i)
                wire.send(1, one);
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        // Without a byte in them nothing is cut: the request was only never made.
        EXPECT_EQ(outcome.lost(Loss::http_head_limit), size == 0 ? 0U : 1U) << outcome.describe();
        expect_good_exchange(outcome);
        expect_within(outcome, 20 * kMegabyte);
    }
}

TEST(Http2, AHeaderOfAHundredMegabytes) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        std::string block =
            request_block() + std::string("\0\1x", 3) + "\x7f" + "\x81\xff\xff\x2f";  // a value of 100 MB
        wire.send(1, frame(FrameType::headers, 0, 1, block));
        const std::string more = frame(FrameType::continuation, 0, 1, std::string(16384, 'v'));
        for (int i = 0; i < 6400; ++i)
            wire.send(1, more);
        wire.send(1, frame(FrameType::continuation, kEndHeaders, 1, ""));
        wire.send(1, frame(FrameType::data, kEndStream, 1, kSmallRequest));
        wire.receive(1, answer_on(1, kAnswer));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    expect_told(outcome);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http2, StreamsOpenedAndNeverClosed) {
    constexpr std::uint64_t kStreams = 100'000;
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        for (std::uint32_t stream = 1; stream < 2 * kStreams; stream += 2)
            wire.send(1, frame(FrameType::headers, kEndHeaders, stream, request_block()) +
                             frame(FrameType::data, 0, stream, R"({"model":"gpt-4o",)"));
        wire.close(1);
        tell_good_exchange(wire, 2);
    });
    EXPECT_GE(outcome.finished - 1 + outcome.lost(Loss::http_stream_limit) + outcome.lost(Loss::exchange_limit),
              kStreams)
        << outcome.describe();
    EXPECT_EQ(outcome.lowered, outcome.finished - 1);
    expect_good_exchange(outcome);
    expect_within(outcome, 60 * kMegabyte);
}

TEST(Http2, RapidReset) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        for (std::uint32_t stream = 1; stream < 200'000; stream += 2)
            wire.send(1, frame(FrameType::headers, kEndHeaders | kEndStream, stream, request_block()) +
                             frame(FrameType::reset, 0, stream, number_of(8, 4)));
        good_stream(wire, 1, 200'001);
        wire.close(1);
    });
    EXPECT_EQ(outcome.lowered, outcome.finished - 1);
    expect_good_exchange(outcome);
    expect_within(outcome, 30 * kMegabyte);
}

TEST(Http2, FramesThatLie) {
    const std::vector<std::string> lies = {
        frame_head(0xffffff, FrameType::data, 0, 1) + std::string(1000, 'x'),
        frame_head(0xffffff, FrameType::headers, kEndHeaders, 1) + std::string(1000, 'x'),
        frame(FrameType::data, kPadded, 1, "\xff"),  // padding longer than the frame
        frame(FrameType::headers, kPadded | kEndHeaders, 1, "\xff\xff"),
        frame(FrameType::settings, 0, 0, "12345"),  // no multiple of six
        frame(FrameType::window_update, 0, 0, ""),
        frame(FrameType::reset, 0, 0, "1"),
        frame(FrameType::goaway, 0, 0, ""),
        frame(FrameType::push_promise, kEndHeaders, 1, "12"),
        frame(FrameType::headers, kEndHeaders, 0, request_block()),       // on stream 0
        frame(FrameType::continuation, kEndHeaders, 7, request_block()),  // of nothing
        frame(FrameType::data, 0, 0xffffffff, "reserved bit"),
        frame(FrameType::headers, kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),  // no number
        frame(static_cast<FrameType>(0xee), 0xff, 3, std::string(1000, 'x')),
    };
    for (const std::string& lie : lies) {
        const Outcome outcome = tell([&](support::Wire& wire) {
            begin(wire, 1);
            wire.send(1, frame(FrameType::headers, kEndHeaders, 1, request_block()));
            wire.send(1, lie);
            wire.receive(1, frame(FrameType::headers, kEndHeaders, 1, answer_block("application/json")));
            wire.receive(1, lie);
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        EXPECT_GE(outcome.finished, 2U);
        expect_told(outcome);
        expect_good_exchange(outcome);
        expect_within(outcome, 40 * kMegabyte);
    }
}

TEST(Http2, PingsAndSettingsByTheMillion) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        for (int i = 0; i < 500'000; ++i) {
            wire.send(1, frame(FrameType::ping, 0, 0, "12345678"));
            wire.receive(1, frame(FrameType::settings, 0, 0, number_of(1, 2) + number_of(i, 4)));
        }
        good_stream(wire, 1, 1);
        wire.close(1);
    });
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Http2, EmptyDataByTheMillion) {
    const Outcome outcome = tell([](support::Wire& wire) {
        begin(wire, 1);
        wire.send(1, request_on(1, kStreamRequest));
        wire.receive(1, frame(FrameType::headers, kEndHeaders, 1, answer_block("text/event-stream")));
        for (int i = 0; i < 1'000'000; ++i)
            wire.receive(1, frame(FrameType::data, 0, 1, ""));
        wire.receive(1, frame(FrameType::data, kEndStream, 1, kUsageEvent));
        wire.close(1);
    });
    EXPECT_EQ(outcome.finished, 1U);
    expect_good_exchange(outcome);
    expect_within(outcome, 20 * kMegabyte);
}

TEST(Grpc, MessageLengthsThatLie) {
    for (const std::uint32_t length : {0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        const std::string message = std::string(1, '\0') + number_of(length, 4) + std::string(1000, 'x');
        const Outcome outcome = tell([&](support::Wire& wire) {
            begin(wire, 1);
            wire.send(1, frame(FrameType::headers, kEndHeaders, 1,
                               literal(":method", "POST") + literal(":scheme", "https") +
                                   literal(":path", "/inference.GRPCInferenceService/ModelInfer") +
                                   literal("content-type", "application/grpc")));
            wire.send(1, frame(FrameType::data, kEndStream, 1, message));
            wire.receive(1, frame(FrameType::headers, kEndHeaders, 1, answer_block("application/grpc")));
            wire.receive(1, frame(FrameType::data, kEndStream, 1, message));
            wire.close(1);
            tell_good_exchange(wire, 2);
        });
        expect_told(outcome);  // seen, not decoded
        expect_good_exchange(outcome);
        expect_within(outcome, 20 * kMegabyte);
    }
}

}  // namespace
}  // namespace llmsnoop::hostile
