// Properties of stream::ByteStream under random order, repetition, overlap and loss. Seeded, so that a failure repeats.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "agent/stream/byte_stream.h"

namespace llmsnoop::stream {
namespace {

using Random = std::mt19937_64;

struct Segment {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

std::string random_text(Random& random, std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text)
        c = static_cast<char>('a' + random() % 26);
    return text;
}

std::vector<Segment> cut(Random& random, std::uint64_t size, std::uint64_t largest) {
    std::vector<Segment> segments;
    for (std::uint64_t at = 0; at < size;) {
        const std::uint64_t length = std::min(1 + random() % largest, size - at);
        segments.push_back({at, length});
        at += length;
    }
    return segments;
}

// What a stream delivered: its bytes, with '?' wherever it said that bytes are missing.
class Recorder {
 public:
    explicit Recorder(model::Ordering ordering) : stream_(ordering, losses) {}

    void feed(const std::string& whole, const Segment& segment) {
        const auto bytes = base::as_bytes(whole).subspan(segment.offset, segment.length);
        stream_.feed(model::Chunk{1, model::Direction::received, segment.offset, {}, segment.length, bytes, {}},
                     [this](const model::StreamItem& item) { note(item); });
    }
    void end(std::uint64_t length) {
        stream_.end(length, {}, [this](const model::StreamItem& item) { note(item); });
    }

    std::string text;
    model::LossCounters losses;

 private:
    void note(const model::StreamItem& item) {
        if (const auto* bytes = std::get_if<model::StreamBytes>(&item)) {
            ASSERT_EQ(bytes->offset, text.size());
            text += base::as_text(bytes->bytes);
        } else {
            ASSERT_EQ(std::get<model::Gap>(item).offset, text.size());
            text.append(std::get<model::Gap>(item).length, '?');
        }
    }

    ByteStream stream_;
};

TEST(ByteStreamProperty, AnyOrderWithDuplicatesAndOverlapsGivesTheSameBytes) {
    Random random(1);
    for (int round = 0; round < 300; ++round) {
        const std::string text = random_text(random, 1 + random() % 4000);
        std::vector<Segment> segments = cut(random, text.size(), 1 + random() % 300);
        for (std::size_t extra = random() % 20; extra > 0; --extra) {
            const std::uint64_t offset = random() % text.size();
            segments.push_back({offset, 1 + random() % (text.size() - offset)});
        }
        std::shuffle(segments.begin(), segments.end(), random);

        Recorder recorder(model::Ordering::may_reorder);
        for (const Segment& segment : segments)
            recorder.feed(text, segment);
        EXPECT_EQ(recorder.text, text) << "round " << round << ": complete even before the end";
        recorder.end(text.size());
        EXPECT_EQ(recorder.text, text);
        for (std::size_t i = 0; i < model::kLossCount; ++i) {
            EXPECT_EQ(recorder.losses.get(static_cast<model::Loss>(i)), 0U);
        }
    }
}

TEST(ByteStreamProperty, MissingSegmentsGiveExactlyTheirGaps) {
    Random random(2);
    for (const auto ordering : {model::Ordering::in_order, model::Ordering::may_reorder}) {
        for (int round = 0; round < 300; ++round) {
            const std::string text = random_text(random, 1 + random() % 4000);
            std::string expected = text;
            std::vector<Segment> kept;
            std::uint64_t holes = 0;
            bool in_hole = false;
            for (const Segment& segment : cut(random, text.size(), 100)) {
                const bool lost = random() % 4 == 0;
                if (lost) {
                    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(segment.offset), segment.length, '?');
                    holes += in_hole ? 0 : 1;
                } else {
                    kept.push_back(segment);
                }
                in_hole = lost;
            }
            if (ordering == model::Ordering::may_reorder) std::shuffle(kept.begin(), kept.end(), random);

            Recorder recorder(ordering);
            for (const Segment& segment : kept)
                recorder.feed(text, segment);
            recorder.end(text.size());
            EXPECT_EQ(recorder.text, expected) << "round " << round;
            EXPECT_EQ(recorder.losses.get(model::Loss::stream_gap), holes);
        }
    }
}

// Whoever sends different bytes for the same place gets what came first, at every single place.
TEST(ByteStreamProperty, TheFirstCopyOfEachByteWins) {
    Random random(3);
    for (int round = 0; round < 300; ++round) {
        const std::size_t size = 1 + random() % 500;
        std::string expected(size, '?');
        Recorder recorder(model::Ordering::may_reorder);
        for (int i = 0; i < 30; ++i) {
            const std::string copy = random_text(random, size);
            const std::uint64_t offset = random() % size;
            const Segment segment{offset, 1 + random() % std::min<std::uint64_t>(size - offset, 60)};
            for (std::uint64_t at = offset; at < offset + segment.length; ++at) {
                if (expected[at] == '?') expected[at] = copy[at];
            }
            recorder.feed(copy, segment);
        }
        recorder.end(size);
        EXPECT_EQ(recorder.text, expected) << "round " << round;
    }
}

}  // namespace
}  // namespace llmsnoop::stream
