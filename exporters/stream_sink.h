#pragma once
// Records as lines on a file descriptor: standard output of `trace` and `replay`.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/record_text.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters {

// The descriptor stays the caller's. Who reads the other end may go away (EPIPE): then the sink is `finished`, and
// takes what still comes without a word, because `llmsnoop trace | head` is no error. The process, or the thread that
// calls, must ignore or block SIGPIPE; FanOut's threads do. Any other error is final: `flush` and `exchange` repeat it.
class StreamSink final : public Sink {
 public:
    enum class Form : std::uint8_t { json, text };
    // `line`: every record is written at once, for a reader who watches. `block`: many at a time; flush writes the
    // rest.
    enum class Buffering : std::uint8_t { line, block };

    struct Options {
        Form form = Form::json;
        Colour colour = Colour::off;  // of text
        Buffering buffering = Buffering::line;
        std::string node;                        // name of this machine, for JSON; empty for records of a capture file
        std::function<void()> on_finished = {};  // called once, by whoever writes, when `finished` becomes true
    };

    StreamSink(int fd, Options options);

    std::string_view name() const override { return "stream"; }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override;
    base::Result<void> flush() override;
    std::uint64_t waiting() const override { return buffered_; }

    // From any thread: nobody reads any more, or writing failed.
    bool finished() const { return finished_.load(std::memory_order_relaxed); }
    // From any thread: records written.
    std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }

 private:
    base::Result<void> write_buffer();

    int fd_;
    Options options_;
    std::string buffer_;
    std::uint64_t buffered_ = 0;  // records in it, or that were in it when writing failed
    std::optional<base::Error> failure_;
    bool header_due_ = true;
    std::atomic<std::uint64_t> written_{0};
    std::atomic<bool> finished_{false};
};

}  // namespace llmsnoop::exporters
