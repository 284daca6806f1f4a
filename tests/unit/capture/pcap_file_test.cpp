// Recordings as the user names them: what a file is, compressed ones, pipes, and files that are no recordings.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/base/fd.h"
#include "agent/capture/packet_unpacker.h"
#include "agent/capture/tape_or_pcap.h"
#include "agent/capture/tape_writer.h"
#include "tests/support/any_cut.h"
#include "tests/support/event_text.h"
#include "tests/support/packet_builder.h"

namespace llmsnoop::capture {
namespace {

using base::as_bytes;
using model::Loss;
using support::text_of_event;
using Lines = std::vector<std::string>;

class FileTest : public testing::Test {
 protected:
    FileTest() {
        std::string name = (std::filesystem::temp_directory_path() / "llmsnoop-file-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~FileTest() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& bytes) {
        std::string path = folder_ + "/recording";
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    static std::string capture(int chunks = 3) {
        support::Talk talk({1, 40000}, {2, 8080});
        auto packets = talk.handshake();
        for (int i = 0; i < chunks; ++i)
            packets.push_back(talk.client_says("chunk " + std::to_string(i)));
        return support::pcap_file(packets);
    }

    static std::string gzip(const std::string& plain) {
        z_stream stream{};
        EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        std::string out(plain.size() + 1000, '\0');
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
        stream.avail_in = static_cast<uInt>(plain.size());
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
        out.resize(stream.total_out);
        deflateEnd(&stream);
        return out;
    }

    static std::string zstd(const std::string& plain) {
        std::string out(ZSTD_compressBound(plain.size()), '\0');
        out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
        return out;
    }

    Lines drain(Source& source) {
        Lines out;
        const auto note = [&](const model::CaptureEvent& event) { out.push_back(text_of_event(event)); };
        for (;;) {
            const auto status = source.poll(0, std::chrono::seconds(1), note);
            if (!status) out.push_back(status.error().message);
            if (!status || *status == Source::Status::finished) return out;
        }
    }

    // The events, or the error.
    Lines play(const std::string& path) {
        auto source = open_capture_file(path, losses_);
        if (!source) return {source.error().message};
        EXPECT_EQ((*source)->shards(), 1U);
        return drain(**source);
    }

    std::string folder_;
    model::LossCounters losses_;
};

const Lines kThree{"open 1 from_start none wire 10.0.0.1:40000 -> 10.0.0.2:8080", ">> 1 @0 \"chunk 0\"",
                   ">> 1 @7 \"chunk 1\"", ">> 1 @14 \"chunk 2\"", "close 1 source_ended"};

TEST_F(FileTest, PcapAndPcapng) {
    EXPECT_EQ(play(write(capture())), kThree);
    support::Talk talk({1, 40000}, {2, 8080});
    support::PcapNg file(support::ByteOrder::big);
    file.interface(1).interface(101);
    for (const auto& packet : talk.handshake())
        file.enhanced(0, 1, support::ethernet(0x0800, packet, {0x8100}));
    for (int i = 0; i < 3; ++i)
        file.enhanced(1, 2, talk.client_says("chunk " + std::to_string(i)));
    EXPECT_EQ(play(write(file.bytes())), kThree);
}

TEST_F(FileTest, Tape) {
    {
        auto writer = TapeWriter::create(folder_ + "/tape", {base::time_from_unix_ns(7), "node-1", "0.1"});
        ASSERT_TRUE(writer);
        ASSERT_TRUE(writer->append(model::ConnectionNamed{4, "example.com"}));
    }
    EXPECT_EQ(tape_header_of(folder_ + "/tape"), (TapeHeader{base::time_from_unix_ns(7), "node-1", "0.1"}));
    EXPECT_EQ(tape_header_of(write(capture())), std::nullopt);
    EXPECT_EQ(tape_header_of(folder_), std::nullopt);
    EXPECT_EQ(play(folder_ + "/tape"), Lines{"name 4 example.com"});
}

TEST_F(FileTest, CompressedOnesAlsoInSeveralMembers) {
    EXPECT_EQ(play(write(gzip(capture()))), kThree);
    EXPECT_EQ(play(write(zstd(capture()))), kThree);
    const std::string whole = capture();
    EXPECT_EQ(play(write(gzip(whole.substr(0, 60)) + gzip("") + gzip(whole.substr(60)))), kThree);
    EXPECT_EQ(play(write(zstd(whole.substr(0, 60)) + zstd("") + zstd(whole.substr(60)))), kThree);
    EXPECT_EQ(losses_.get(Loss::packet_truncated), 0U);
}

TEST_F(FileTest, AnyCutUnpacksToTheSame) {
    const std::string whole = capture();
    for (const std::string& file :
         {gzip(whole), zstd(whole), gzip(whole) + gzip("and more"), zstd(whole) + zstd("and more"),
          gzip(whole).substr(0, 90), zstd(whole).substr(0, 90), gzip(whole) + "rubbish"}) {
        support::expect_same_for_any_cut(file, [&](const support::Pieces& pieces) {
            Unpacker unpacker(Unpacker::coding_of(as_bytes(file)));
            std::string out;
            for (const auto piece : pieces) {
                base::Bytes in = as_bytes(piece);
                while (!in.empty() && !unpacker.broken())
                    out += base::as_text(unpacker.unpack(&in));
            }
            return out + (unpacker.broken() ? " broken" : unpacker.in_the_middle() ? " in the middle" : "");
        });
    }
}

TEST_F(FileTest, LargerThanAnyBuffer) {
    const std::string whole = capture(50'000);
    for (const std::string& file : {whole, gzip(whole), zstd(whole)}) {
        const Lines got = play(write(file));
        ASSERT_EQ(got.size(), 50'002U);
        EXPECT_EQ(got[50'000], ">> 1 @538879 \"chunk 49999\"");
    }
    EXPECT_EQ(losses_.get(Loss::packet_truncated), 0U);
}

TEST_F(FileTest, CompressedFileThatEndsEarlyGivesWhatItHolds) {
    const std::string whole = capture(50'000);
    for (const std::string& file : {gzip(whole), zstd(whole)}) {
        const std::uint64_t before = losses_.get(Loss::packet_truncated);
        const Lines got = play(write(file.substr(0, file.size() / 2)));
        EXPECT_GT(got.size(), 1'000U);
        EXPECT_EQ(got.back(), "close 1 source_ended");
        EXPECT_GT(losses_.get(Loss::packet_truncated), before);
    }
}

TEST_F(FileTest, WhatIsNoRecordingIsRefusedWhenItIsOpened) {
    EXPECT_EQ(play(write("hello, world")),
              Lines{folder_ + "/recording: is no recording: neither pcap, nor pcapng, nor a tape"});
    EXPECT_EQ(play(write("abc")), Lines{folder_ + "/recording: is no recording: neither pcap, nor pcapng, nor a tape"});
    EXPECT_EQ(play(write("")), Lines{folder_ + "/recording: is empty"});
    EXPECT_EQ(play(write(gzip("hello, world"))),
              Lines{folder_ + "/recording: is no recording: neither pcap, nor pcapng, nor a tape"});
    EXPECT_EQ(play(folder_ + "/none"), Lines{folder_ + "/none: No such file or directory"});
    EXPECT_EQ(play(folder_), Lines{folder_ + ": Is a directory"});
}

TEST_F(FileTest, TapeOfAnotherVersionNamesTheFile) {
    std::string head(base::as_text(TapeFormat::kMagic));
    head += std::string("\x02\0\0\0\0\0\0\0", 8);
    EXPECT_EQ(play(write(head)), Lines{folder_ + "/recording: a tape of version 2; this agent reads version 1"});
}

// A pipe is read as it fills: what was written comes out before the writer is done, and an empty pipe is no end.
TEST_F(FileTest, PipeThatFillsSlowly) {
    const std::string whole = capture();
    for (const std::string& file : {whole, gzip(whole), zstd(whole)}) {
        const std::string path = folder_ + "/pipe";
        ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
        base::Fd both(open(path.c_str(), O_RDWR | O_CLOEXEC));  // so that neither end waits for the other
        ASSERT_TRUE(both);
        auto source = open_capture_file(path, losses_);
        ASSERT_TRUE(source);
        base::Fd writer(open(path.c_str(), O_WRONLY | O_CLOEXEC));
        both.reset();

        Lines got;
        const auto note = [&](const model::CaptureEvent& event) { got.push_back(text_of_event(event)); };
        const auto poll = [&] {
            const auto status = (*source)->poll(0, {}, note);
            EXPECT_TRUE(status) << status.error().message;
            return status ? *status : Source::Status::finished;
        };
        for (int i = 0; i < 100; ++i)
            ASSERT_EQ(poll(), Source::Status::idle);
        for (std::size_t at = 0; at < file.size(); at += 3) {
            const std::string part = file.substr(at, 3);
            ASSERT_EQ(::write(writer.get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
            while (poll() == Source::Status::busy) {
            }
            for (int i = 0; i < 20; ++i)
                ASSERT_EQ(poll(), Source::Status::idle);
        }
        EXPECT_EQ(got.size(), 4U);
        writer.reset();
        while (poll() != Source::Status::finished) {
        }
        EXPECT_EQ(got, kThree);
        EXPECT_EQ(poll(), Source::Status::finished);
        std::filesystem::remove(path);
    }
    EXPECT_EQ(losses_.get(Loss::packet_truncated), 0U);
}

TEST_F(FileTest, StandardInput) {
    const std::string path = write(capture());
    base::Fd kept(dup(STDIN_FILENO));
    base::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(dup2(file.get(), STDIN_FILENO), STDIN_FILENO);
    const Lines got = play("-");
    dup2(kept.get(), STDIN_FILENO);
    EXPECT_EQ(got, kThree);
}

TEST_F(FileTest, DamagedPcapngGivesWhatCameBefore) {
    support::Talk talk({1, 40000}, {2, 8080});
    support::PcapNg file;
    file.interface(101);
    for (const auto& packet : talk.handshake())
        file.enhanced(0, 1, packet);
    for (int i = 0; i < 3; ++i)
        file.enhanced(0, 2, talk.client_says("chunk " + std::to_string(i)));
    EXPECT_EQ(play(write(file.bytes() + std::string(100, '\x05'))), kThree);
    EXPECT_EQ(losses_.get(Loss::packet_malformed), 1U);
}

}  // namespace
}  // namespace llmsnoop::capture
