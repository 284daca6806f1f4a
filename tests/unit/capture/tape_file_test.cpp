// Tapes as files: written, read in pieces, torn, damaged.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/base/endian.h"
#include "agent/capture/tape_reader.h"
#include "agent/capture/tape_writer.h"
#include "tests/support/any_cut.h"
#include "tests/support/event_text.h"
#include "tests/support/random_events.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using model::Loss;
using support::OwnedEvent;

const TapeHeader kHeader{base::time_from_unix_ns(1'700'000'000'000'000'001), "node-1", "0.1.0"};

class TapeTest : public testing::Test {
 protected:
    TapeTest() {
        std::string name = (std::filesystem::temp_directory_path() / "llmsnoop-tape-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        path_ = folder_ + "/a.tape";
    }
    ~TapeTest() override { std::filesystem::remove_all(folder_); }

    static std::string contents(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

    // Writes `count` random events in blocks of about `block` bytes.
    std::vector<OwnedEvent> record(int count, std::size_t block, bool compress = true) {
        TapeOptions options;
        options.block = block;
        options.compress = compress;
        auto writer = TapeWriter::create(path_, kHeader, options);
        EXPECT_TRUE(writer);
        std::vector<OwnedEvent> out;
        support::RandomEvents random(static_cast<unsigned>(count));
        for (int i = 0; i < count; ++i) {
            out.push_back(random.next());
            EXPECT_TRUE(writer->append(random.borrowed()));
        }
        EXPECT_TRUE(writer->flush());
        return out;
    }

    struct Replay {
        std::vector<OwnedEvent> events;
        std::optional<TapeHeader> header;
        std::uint64_t damaged = 0;
        std::string error;
    };

    static Replay replay(const support::Pieces& pieces) {
        Replay out;
        model::LossCounters losses;
        TapeReader reader(losses);
        for (const auto piece : pieces) {
            const auto result =
                reader.feed(as_bytes(piece), [&](const model::CaptureEvent& event) { out.events.emplace_back(event); });
            if (result) continue;
            out.error = result.error().message;
            return out;
        }
        reader.finish();
        out.header = reader.header();
        out.damaged = losses.get(Loss::tape_damaged);
        return out;
    }

    std::string folder_;
    std::string path_;
};

TEST_F(TapeTest, WhatWasRecordedIsReplayed) {
    for (const bool compress : {false, true}) {
        for (const std::size_t block : {std::size_t{1}, std::size_t{5'000}, std::size_t{256} << 10}) {
            const auto events = record(500, block, compress);
            const Replay got = replay({contents(path_)});
            EXPECT_TRUE(got.events == events);
            EXPECT_EQ(got.header, kHeader);
            EXPECT_EQ(got.damaged, 0U);
        }
    }
}

TEST_F(TapeTest, AnyCutGivesTheSameEvents) {
    record(60, 2'000);
    const std::string whole = contents(path_);
    std::string hit = whole;
    hit[hit.size() / 2] ^= 1;
    for (const std::string& tape : {whole, hit, whole.substr(0, whole.size() - 5)}) {
        support::expect_same_for_any_cut(tape, [](const support::Pieces& pieces) {
            const Replay got = replay(pieces);
            std::vector<std::string> lines{std::to_string(got.damaged)};
            for (const OwnedEvent& one : got.events)
                lines.push_back(support::text_of_event(one.event) + one.payload);
            return lines;
        });
    }
}

TEST_F(TapeTest, OnlyTheOwnerMayReadIt) {
    record(1, 1);
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    // Also where there was a file that others could read.
    ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
    record(1, 1);
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(TapeTest, FileThatCannotBeMadeIsNamed) {
    const auto writer = TapeWriter::create(folder_ + "/none/a.tape", kHeader);
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().message, folder_ + "/none/a.tape: No such file or directory");
}

TEST_F(TapeTest, DiskThatIsFullFromTheBeginning) {
    const auto writer = TapeWriter::create("/dev/full", kHeader);
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().message, "/dev/full: No space left on device");
}

TEST_F(TapeTest, AfterAWriteErrorTheTapeEndsWithTheLastWholeBlock) {
    // A limit on the size of files stands in for a full disk: the kernel writes what still fits, then fails.
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
    TapeOptions options;
    options.compress = false;
    auto writer = TapeWriter::create(path_, kHeader, options);
    ASSERT_TRUE(writer);
    const std::string text(1000, 'x');
    ASSERT_TRUE(writer->append(model::ConnectionNamed{1, text}));
    ASSERT_TRUE(writer->flush());
    const std::uint64_t good = writer->bytes_written();

    rlimit tight = before;
    tight.rlim_cur = good + 500;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    ASSERT_TRUE(writer->append(model::ConnectionNamed{2, text}));
    const auto failed = writer->flush();
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, signal_before);

    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message, path_ + ": File too large");
    EXPECT_EQ(writer->append(model::ConnectionNamed{3, text}).error().message, failed.error().message);
    EXPECT_EQ(writer->flush().error().message, failed.error().message);
    EXPECT_EQ(std::filesystem::file_size(path_), good);
    const Replay got = replay({contents(path_)});
    EXPECT_EQ(got.events.size(), 1U);
    EXPECT_EQ(got.damaged, 0U);
}

TEST_F(TapeTest, EventsThatAreNotFlushedAreNotThereAndThoseBeforeAre) {
    auto writer = TapeWriter::create(path_, kHeader);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->append(model::ConnectionNamed{1, "first"}));
    ASSERT_TRUE(writer->flush());
    ASSERT_TRUE(writer->append(model::ConnectionNamed{1, "second"}));
    EXPECT_EQ(replay({contents(path_)}).events.size(), 1U);  // as a reader after SIGKILL sees it
    ASSERT_TRUE(writer->flush());
    EXPECT_EQ(replay({contents(path_)}).events.size(), 2U);
}

TEST_F(TapeTest, TornAtAnyPlaceItGivesItsWholeBlocks) {
    record(40, 1'000);
    const std::string whole = contents(path_);
    const auto all = replay({whole}).events;
    std::size_t most = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Replay got = replay({std::string_view(whole).substr(0, size)});
        ASSERT_TRUE(got.error.empty());
        ASSERT_LE(got.events.size(), all.size());
        ASSERT_GE(got.events.size(), most);
        most = got.events.size();
        ASSERT_TRUE(std::equal(got.events.begin(), got.events.end(), all.begin()));
        ASSERT_LE(got.damaged, 1U);
        // It ends cleanly between blocks and nowhere else.
        const std::string_view rest = std::string_view(whole).substr(size);
        const std::string_view magic = base::as_text(TapeFormat::kBlockMagic);
        ASSERT_EQ(got.damaged == 0, rest.starts_with(magic)) << size;
    }
}

TEST_F(TapeTest, DamageAnywhereCostsNoMoreThanTheBlockItIsIn) {
    record(60, 1'500);
    const std::string whole = contents(path_);
    const auto all = replay({whole}).events;
    for (std::size_t at = 12; at < whole.size(); at += 1 + at % 31) {
        std::string hit = whole;
        hit[at] = static_cast<char>(hit[at] ^ 0x10);
        const Replay got = replay({hit});
        if (!got.error.empty()) continue;
        ASSERT_EQ(got.damaged, 1U) << at;
        // What is left are the same events in the same order.
        std::size_t next = 0;
        for (const OwnedEvent& event : got.events) {
            while (next < all.size() && !(all[next] == event))
                ++next;
            ASSERT_LT(next++, all.size()) << at;
        }
        ASSERT_GE(got.events.size() + 40, all.size()) << at;
        ASSERT_GT(got.events.size(), 0U) << at;
    }
}

// With a checksum that is right, as whoever means harm would make it.
TEST_F(TapeTest, LengthsOfGigabytesAreNotBelieved) {
    record(60, 1'500);
    const std::string whole = contents(path_);
    const std::size_t events = replay({whole}).events.size();
    const std::size_t block = whole.find(base::as_text(TapeFormat::kBlockMagic));
    ASSERT_NE(block, std::string::npos);
    for (const std::uint32_t length : {0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        for (const std::size_t at : {12U, 16U}) {  // as it is stored, as it was
            std::string lie = whole;
            auto* const head = reinterpret_cast<std::uint8_t*>(lie.data() + block);
            base::store_le(head + at, length);
            base::store_le(head + 32, tape_crc(as_bytes(lie).subspan(block, 32)));
            const Replay got = replay({lie});
            EXPECT_EQ(got.error, "");
            EXPECT_EQ(got.damaged,
                      at == 12 ? 2U : 1U);  // in the first case the file ends amid what is passed over, too
            EXPECT_LT(got.events.size(), events);
        }
        std::string header = whole;
        base::store_le(reinterpret_cast<std::uint8_t*>(header.data()) + 12, length);
        EXPECT_EQ(replay({header}).damaged, 1U);
    }
}

TEST_F(TapeTest, AnotherVersionIsRefused) {
    record(1, 1);
    std::string tape = contents(path_);
    tape[8] = 9;
    EXPECT_EQ(replay({tape}).error, "a tape of version 9; this agent reads version 1");
}

TEST_F(TapeTest, ConvertedLineEndsAreRecognised) {
    record(1, 1);
    std::string tape = contents(path_);
    tape.replace(4, 2, "\n");
    EXPECT_EQ(replay({tape}).error, "not a tape, or one that was damaged by conversion of its line ends");
}

TEST_F(TapeTest, PayloadIsMaskedBeforeItIsWritten) {
    TapeOptions options;
    options.compress = false;
    options.mask = [](const model::Chunk& chunk, std::span<std::uint8_t> bytes) {
        const std::size_t at = base::as_text(chunk.bytes).find("secret");
        if (at != std::string_view::npos) std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 6, '*');
    };
    auto writer = TapeWriter::create(path_, kHeader, options);
    ASSERT_TRUE(writer);
    const std::string payload = "Authorization: secret\r\n";
    model::Chunk chunk;
    chunk.bytes = as_bytes(payload);
    chunk.length = payload.size();
    ASSERT_TRUE(writer->append(chunk));
    ASSERT_TRUE(writer->flush());
    EXPECT_EQ(contents(path_).find("secret"), std::string::npos);
    EXPECT_EQ(payload, "Authorization: secret\r\n");  // the caller's bytes are not touched
    EXPECT_EQ(replay({contents(path_)}).events[0].payload, "Authorization: ******\r\n");
}

TEST_F(TapeTest, HugeChunksAreCutIntoSeveral) {
    const std::string payload(TapeFormat::kChunk * 2 + 17, 'x');
    auto writer = TapeWriter::create(path_, kHeader);
    ASSERT_TRUE(writer);
    model::Chunk chunk;
    chunk.offset = 100;
    chunk.bytes = as_bytes(payload);
    chunk.length = payload.size() + 1000;
    chunk.missing = Loss::call_limit;
    ASSERT_TRUE(writer->append(chunk));
    ASSERT_TRUE(writer->flush());
    const Replay got = replay({contents(path_)});
    ASSERT_EQ(got.events.size(), 3U);
    std::uint64_t at = 100;
    for (const OwnedEvent& event : got.events) {
        const auto& part = std::get<model::Chunk>(event.event);
        EXPECT_EQ(part.offset, at);
        at += part.length;
        EXPECT_EQ(part.length - event.payload.size(), &event == &got.events.back() ? 1000U : 0U);
    }
    EXPECT_EQ(at, 100 + chunk.length);
}

TEST_F(TapeTest, WhatCompressesIsSmall) {
    TapeOptions options;
    auto writer = TapeWriter::create(path_, kHeader, options);
    const std::string payload = "data: {\"choices\":[{\"delta\":{\"content\":\"token\"}}]}\n\n";
    model::Chunk chunk;
    chunk.bytes = as_bytes(payload);
    chunk.length = payload.size();
    for (int i = 0; i < 10'000; ++i, chunk.offset += chunk.length)
        ASSERT_TRUE(writer->append(chunk));
    ASSERT_TRUE(writer->flush());
    EXPECT_EQ(writer->bytes_written(), std::filesystem::file_size(path_));
    EXPECT_LT(writer->bytes_written() * 5, payload.size() * 10'000);
    EXPECT_EQ(replay({contents(path_)}).events.size(), 10'000U);
}

TEST_F(TapeTest, ReplayShowsTheLossesOfTheRecording) {
    {
        auto writer = TapeWriter::create(path_, kHeader);
        ASSERT_TRUE(writer);
        model::Chunk chunk;
        chunk.length = 1000;
        chunk.missing = Loss::user_page_unreadable;
        ASSERT_TRUE(writer->append(chunk));
    }
    const std::string tape = contents(path_);
    model::LossCounters losses;
    TapeReader reader(losses);
    ASSERT_TRUE(reader.feed(as_bytes(tape), [](const model::CaptureEvent&) {}));
    EXPECT_EQ(losses.get(Loss::user_page_unreadable), 1U);
}

TEST_F(TapeTest, EmptyTape) {
    record(0, 1);
    const Replay got = replay({contents(path_)});
    EXPECT_TRUE(got.events.empty());
    EXPECT_EQ(got.damaged, 0U);
    EXPECT_EQ(got.header, kHeader);
}

}  // namespace
}  // namespace llmsnoop::capture
