#include "exporters/stream_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/base/fd.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        if (::pipe(ends) != 0) std::abort();
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    std::string available() const {
        std::string all(1U << 20, '\0');
        ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
        const ssize_t got = ::read(read.get(), all.data(), all.size());
        all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return all;
    }
    base::Fd read;
    base::Fd write;
};

class StreamSinkTest : public testing::Test {
 protected:
    StreamSinkTest() { std::signal(SIGPIPE, SIG_IGN); }
    Pipe pipe_;
};

TEST_F(StreamSinkTest, WritesAJsonLineAtOnce) {
    StreamSink sink(pipe_.write.get(), {.node = "n1"});
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    const std::string text = pipe_.available();
    ASSERT_TRUE(text.ends_with("}\n"));
    EXPECT_EQ(nlohmann::json::parse(text)["node"], "n1");
    EXPECT_EQ(sink.written(), 1U);
}

TEST_F(StreamSinkTest, WritesTheHeaderOfTextOnce) {
    StreamSink sink(pipe_.write.get(), {.form = StreamSink::Form::text, .node = {}});
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    const std::string text = pipe_.available();
    EXPECT_TRUE(text.starts_with("TIME "));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
}

TEST_F(StreamSinkTest, KeepsABlockUntilItIsFlushed) {
    StreamSink sink(pipe_.write.get(), {.buffering = StreamSink::Buffering::block, .node = {}});
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_EQ(pipe_.available(), "");
    EXPECT_TRUE(sink.flush());
    EXPECT_TRUE(pipe_.available().ends_with("}\n"));
}

TEST_F(StreamSinkTest, EndsQuietlyWhenTheReaderIsGone) {
    StreamSink sink(pipe_.write.get(), {.node = {}});
    pipe_.read.reset();
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_TRUE(sink.finished());
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_TRUE(sink.flush());
    EXPECT_EQ(sink.written(), 0U);
}

TEST_F(StreamSinkTest, OtherErrorsAreTold) {
    StreamSink sink(-1, {.node = {}});
    EXPECT_FALSE(sink.exchange(cleared(full_exchange())));
    EXPECT_TRUE(sink.finished());
    EXPECT_FALSE(sink.exchange(cleared(full_exchange())));
    EXPECT_FALSE(sink.flush());
    EXPECT_EQ(sink.waiting(), 0U);
}

TEST_F(StreamSinkTest, ABlockThatCannotBeWrittenStillWaits) {
    StreamSink sink(-1, {.buffering = StreamSink::Buffering::block, .node = {}});
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    EXPECT_EQ(sink.waiting(), 2U);
    EXPECT_FALSE(sink.flush());
    EXPECT_EQ(sink.waiting(), 2U);
    EXPECT_FALSE(sink.exchange(cleared(full_exchange())));
    EXPECT_EQ(sink.waiting(), 2U);
}

TEST_F(StreamSinkTest, WaitsForAReaderOfANonBlockingPipe) {
    ::fcntl(pipe_.write.get(), F_SETFL, O_NONBLOCK);
    StreamSink sink(pipe_.write.get(), {.node = {}});
    constexpr int kRecords = 200;  // more than a pipe holds
    std::size_t lines = 0;
    std::thread reader([&] {
        char buffer[4096];
        while (lines < kRecords) {
            const ssize_t got = ::read(pipe_.read.get(), buffer, sizeof buffer);
            if (got <= 0) break;
            lines += static_cast<std::size_t>(std::count(buffer, buffer + got, '\n'));
        }
    });
    for (int i = 0; i < kRecords; ++i)
        EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    reader.join();
    EXPECT_EQ(lines, static_cast<std::size_t>(kRecords));
    EXPECT_EQ(sink.written(), static_cast<std::uint64_t>(kRecords));
}

}  // namespace
}  // namespace llmsnoop::exporters
