// Every event survives the tape with every field.
#include "agent/capture/tape_codec.h"

#include <gtest/gtest.h>

#include "agent/base/endian.h"
#include "tests/support/event_text.h"
#include "tests/support/random_events.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using support::OwnedEvent;
using support::RandomEvents;

base::Bytes body(const std::string& record) {
    return as_bytes(record).subspan(kTapeRecordSize);
}

TEST(TapeCodec, RandomEventsComeBackWithEveryField) {
    RandomEvents random(1);
    for (int i = 0; i < 20'000; ++i) {
        const OwnedEvent& event = random.next();
        std::string record = "before";
        const TapePayload payload = encode_tape_record(random.borrowed(), random.time(), record);
        EXPECT_EQ(record.substr(payload.at, payload.size), event.payload);
        const std::string written = record.substr(6);
        ASSERT_EQ(base::load_le<std::uint32_t>(as_bytes(written).data()) + kTapeRecordSize, written.size());

        encode_tape_record(random.borrowed(), base::Time{}, record = "");
        model::CaptureEvent got;
        ASSERT_EQ(decode_tape_record(body(record), base::Time{}, got), TapeRecord::event)
            << support::text_of_event(event.event);
        ASSERT_TRUE(OwnedEvent(got) == event) << support::text_of_event(event.event);
    }
}

TEST(TapeCodec, NoPartOfARecordIsARecord) {
    RandomEvents random(2);
    for (int i = 0; i < 2'000; ++i) {
        random.next();
        const bool chunk = std::holds_alternative<model::Chunk>(random.borrowed());
        std::string record;
        encode_tape_record(random.borrowed(), base::Time{}, record);
        model::CaptureEvent got;
        if (!chunk) {  // a chunk that is cut is a shorter chunk
            for (std::size_t size = 0; size < body(record).size(); ++size) {
                ASSERT_EQ(decode_tape_record(body(record).first(size), base::Time{}, got), TapeRecord::broken);
            }
            ASSERT_EQ(decode_tape_record(body(record + "x"), base::Time{}, got), TapeRecord::broken);
        }
    }
}

TEST(TapeCodec, DamagedRecordsDoNoHarm) {
    RandomEvents random(3);
    std::mt19937 dice(3);
    for (int i = 0; i < 20'000; ++i) {
        random.next();
        std::string record;
        encode_tape_record(random.borrowed(), base::Time{}, record);
        for (int hits = 0; hits < 3; ++hits)
            record[kTapeRecordSize + dice() % body(record).size()] = static_cast<char>(dice());
        model::CaptureEvent got;
        if (decode_tape_record(body(record), base::time_from_unix_ns(INT64_MIN), got) != TapeRecord::event) continue;
        if (const auto* chunk = std::get_if<model::Chunk>(&got)) {
            ASSERT_LE(chunk->bytes.size(), chunk->length);
            ASSERT_LE(chunk->offset + chunk->length, std::uint64_t{1} << 63);
        }
        std::string again;
        encode_tape_record(got, base::Time{}, again);
        model::CaptureEvent twice;
        ASSERT_EQ(decode_tape_record(body(again), base::Time{}, twice), TapeRecord::event);
        ASSERT_TRUE(OwnedEvent(got) == OwnedEvent(twice));
    }
}

// What is on people's disks: if this test fails, the version of the format must change.
TEST(TapeCodec, TheBytesOfTheFormat) {
    model::Chunk chunk;
    chunk.connection = 300;
    chunk.direction = model::Direction::received;
    chunk.offset = 5;
    chunk.time = base::time_from_unix_ns(1001);
    chunk.length = 9;
    chunk.bytes = as_bytes("abc");
    chunk.missing = model::Loss::call_limit;
    std::string record;
    encode_tape_record(chunk, base::time_from_unix_ns(1000), record);
    EXPECT_EQ(record, std::string("\x15\0\0\0\x01\x07\xac\x02\x05\x02\x09\x0a"
                                  "call_limitabc",
                                  25));

    model::ConnectionOpened opened;
    opened.id = 1;
    opened.process = model::ProcessKey{7, 8};
    opened.transport = model::Transport::plain;
    opened.library = model::Library::go;
    opened.from_start = true;
    opened.peer = model::Endpoint{{model::Address::Family::ipv4, {192, 0, 2, 1}}, 443};
    record.clear();
    encode_tape_record(opened, base::Time{}, record);
    EXPECT_EQ(record, std::string("\x0e\0\0\0\x02\x59\x04\x01\0\x07\x08\0\xc0\0\x02\x01\xbb\x03", 18));
}

TEST(TapeCodec, NamesOfNewerLossesAndKindsAreNotFatal) {
    const std::string chunk("\x01\x04\x01\x00\x00\x04what", 10);
    model::CaptureEvent got;
    ASSERT_EQ(decode_tape_record(as_bytes(chunk), base::Time{}, got), TapeRecord::event);
    EXPECT_EQ(std::get<model::Chunk>(got).missing, model::Loss::stream_gap);
    EXPECT_EQ(decode_tape_record(as_bytes("\x63 something new"), base::Time{}, got), TapeRecord::unknown_kind);
    EXPECT_EQ(decode_tape_record({}, base::Time{}, got), TapeRecord::broken);
}

}  // namespace
}  // namespace llmsnoop::capture
