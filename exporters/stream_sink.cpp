#include "exporters/stream_sink.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "exporters/record_json.h"

namespace llmsnoop::exporters {

namespace {

constexpr std::size_t kBlockBytes = 64U << 10;

}  // namespace

StreamSink::StreamSink(int fd, Options options) : fd_(fd), options_(std::move(options)) {}

base::Result<void> StreamSink::exchange(const model::Cleared<model::Exchange>& exchange) {
    if (failure_) return *failure_;
    if (finished()) return {};
    if (options_.form == Form::json) {
        append_record_json(buffer_, exchange, options_.node);
        buffer_.push_back('\n');
    } else {
        if (std::exchange(header_due_, false)) append_record_text_header(buffer_, options_.colour);
        append_record_text(buffer_, exchange, options_.colour);
    }
    ++buffered_;
    const bool due = options_.buffering == Buffering::line || buffer_.size() >= kBlockBytes;
    if (!due) return {};
    auto written = write_buffer();
    if (!written) --buffered_;  // the caller knows of this one
    return written;
}

base::Result<void> StreamSink::flush() {
    return write_buffer();
}

base::Result<void> StreamSink::write_buffer() {
    if (failure_) return *failure_;
    std::string_view rest = buffer_;
    while (!rest.empty() && !finished()) {
        const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
        if (wrote >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(wrote));
        } else if (errno == EAGAIN) {
            // Somebody made the descriptor non-blocking, perhaps for all who share it (a terminal).
            pollfd wait{fd_, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            finished_.store(true, std::memory_order_relaxed);
            if (options_.on_finished) options_.on_finished();
            if (errno != EPIPE) failure_ = base::system_error("writing records");
        }
    }
    if (rest.empty()) written_.fetch_add(buffered_, std::memory_order_relaxed);
    buffer_.clear();
    if (failure_) return *failure_;
    buffered_ = 0;
    return {};
}

}  // namespace llmsnoop::exporters
