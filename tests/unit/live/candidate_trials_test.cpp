#include "agent/capture/live/candidate_trials.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsnoop::capture::live {
namespace {

using model::Library;

constexpr FileId kBun{1, 10}, kOther{1, 11};

class CandidateTrialsTest : public testing::Test {
 protected:
    CandidateTrialsTest()
        : trials_(
              [](std::uint32_t pid) {
                  return pid == 0 ? std::nullopt : std::optional(FileId{1, pid});
              },
              [this](const FileId& file, CandidateTrials::Verdict verdict) {
                  said += std::to_string(file.second) +
                          (verdict == CandidateTrials::Verdict::proved ? " proved;" : " refuted;");
              }) {
        trials_.use_shards(2);
        trials_.begin(kBun, {Library::boringssl});
    }

    model::ConnectionId open(std::uint32_t pid = 10, Library library = Library::boringssl, unsigned shard = 0) {
        model::ConnectionOpened event;
        event.id = ++last_;
        event.process = model::ProcessKey{pid, 1};
        event.library = library;
        trials_.observe(shard, event);
        return event.id;
    }
    void move(model::ConnectionId id, const std::string& bytes, std::uint64_t offset = 0,
              model::Direction direction = model::Direction::sent) {
        model::Chunk chunk;
        chunk.connection = id;
        chunk.direction = direction;
        chunk.offset = offset;
        chunk.length = bytes.size();
        chunk.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
        trials_.observe(0, chunk);
    }
    void close(model::ConnectionId id) {
        model::ConnectionClosed event;
        event.id = id;
        trials_.observe(0, event);
    }
    void nonsense(unsigned connections) {
        for (unsigned i = 0; i < connections; ++i) {
            const auto id = open();
            move(id, "\x01\x02 no protocol");
            close(id);
        }
    }

    std::string said;
    CandidateTrials trials_;
    model::ConnectionId last_ = 0;
};

TEST_F(CandidateTrialsTest, HttpProvesIt) {
    move(open(), "POST /v1/messages HTTP/1.1\r\n");
    EXPECT_EQ(said, "10 proved;");
    nonsense(CandidateTrials::kStrikes);  // it is decided
    EXPECT_EQ(said, "10 proved;");
}

TEST_F(CandidateTrialsTest, SoDoesWhatAServerSends) {
    const std::string settings("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", 15);
    move(open(), settings, 0, model::Direction::received);
    EXPECT_EQ(said, "10 proved;");
}

TEST_F(CandidateTrialsTest, AndASocket) {
    const auto id = open();
    model::ConnectionAddressed event;
    event.id = id;
    trials_.observe(0, event);
    EXPECT_EQ(said, "10 proved;");
}

TEST_F(CandidateTrialsTest, ManyConnectionsOfNonsenseRefuteIt) {
    nonsense(CandidateTrials::kStrikes - 1);
    EXPECT_EQ(said, "");
    nonsense(1);
    EXPECT_EQ(said, "10 refuted;");
}

TEST_F(CandidateTrialsTest, OrOneThatNeverEndsIsOneOfThem) {
    const auto id = open();
    for (std::uint64_t offset = 0; offset < 2 * CandidateTrials::kEnoughBytes; offset += 4096)
        move(id, std::string(4096, '\x01'), offset);
    nonsense(CandidateTrials::kStrikes - 2);
    EXPECT_EQ(said, "");
    nonsense(1);
    EXPECT_EQ(said, "10 refuted;");
}

TEST_F(CandidateTrialsTest, WhatMovesNothingSaysNothing) {
    for (unsigned i = 0; i < 2 * CandidateTrials::kStrikes; ++i)
        close(open());
    EXPECT_EQ(said, "");
}

TEST_F(CandidateTrialsTest, HttpInTheMiddleIsNoBeginning) {
    move(open(), "POST /v1/messages HTTP/1.1\r\n", 100);
    EXPECT_EQ(said, "");
}

TEST_F(CandidateTrialsTest, OtherFilesOtherLibrariesAndProcessesThatAreGone) {
    const std::string request = "POST /v1/messages HTTP/1.1\r\n";
    move(open(11), request);
    move(open(10, Library::openssl), request);
    move(open(0), request);
    EXPECT_EQ(said, "");
    trials_.begin(kOther, {Library::rustls});
    move(open(11, Library::rustls), request);
    EXPECT_EQ(said, "11 proved;");
}

TEST_F(CandidateTrialsTest, AFileThatIsDroppedIsNotDecided) {
    const auto id = open();
    trials_.end(kBun);
    move(id, "POST /v1/messages HTTP/1.1\r\n");
    EXPECT_EQ(said, "");
}

TEST_F(CandidateTrialsTest, ShardsCountTogether) {
    nonsense(CandidateTrials::kStrikes - 1);
    const auto id = open(10, Library::boringssl, 1);
    model::Chunk chunk;
    chunk.connection = id;
    chunk.length = CandidateTrials::kEnoughBytes;
    trials_.observe(1, chunk);
    EXPECT_EQ(said, "10 refuted;");
}

TEST(BeginsLikeHttp, OnlyWhatDoes) {
    const auto begins = [](const std::string& text) {
        return begins_like_http({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    };
    EXPECT_TRUE(begins("GET / HTTP/1.1\r\n"));
    EXPECT_TRUE(begins("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(begins("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    EXPECT_TRUE(begins(std::string("\0\0\0\x04\0\0\0\0\0", 9)));
    EXPECT_FALSE(begins(std::string("\0\0\0\x04\0\0\0\0", 8)));
    EXPECT_FALSE(begins(std::string("\0\0\x05\x04\0\0\0\0\0", 9)));  // no whole settings
    EXPECT_FALSE(begins(std::string("\0\0\0\x04\0\0\0\0\x01", 9)));  // another stream
    EXPECT_FALSE(begins(std::string("\0\0\0\x08\0\x03\0\0", 8)));    // PostgreSQL
    EXPECT_FALSE(begins(""));
}

}  // namespace
}  // namespace llmsnoop::capture::live
