#include "agent/capture/live/ring_reader.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace llmsnoop::capture::live {

namespace {

using std::chrono::milliseconds;

// At 10 ms, a ring of 64 MiB is past its wake-up mark only beyond 1.6 GB/s, and what is read then still lies in the
// cache at 100 MB/s; at 50 ms an idle agent wakes 20 times a second.
constexpr base::Duration kBusyPause = milliseconds(10);
constexpr base::Duration kIdlePause = milliseconds(50);

}  // namespace

base::Result<std::unique_ptr<RingReader>> RingReader::open(int ring_fd) {
    std::unique_ptr<RingReader> out(new RingReader);
    const auto on_record = [](void* context, void* data, std::size_t size) {
        (*static_cast<RingReader*>(context)->out_)({static_cast<const std::uint8_t*>(data), size});
        return 0;
    };
    out->ring_ = ring_buffer__new(ring_fd, on_record, out.get(), nullptr);
    if (out->ring_ == nullptr) return base::system_error("ring buffer");
    out->wakeups_.reset(epoll_create1(EPOLL_CLOEXEC));
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLET;
    if (!out->wakeups_ || epoll_ctl(out->wakeups_.get(), EPOLL_CTL_ADD, ring_fd, &interest) != 0) {
        return base::system_error("epoll on a ring buffer");
    }
    return out;
}

RingReader::~RingReader() {
    ring_buffer__free(ring_);
}

base::Result<std::size_t> RingReader::read(base::Duration wait, base::FunctionRef<void(base::Bytes)> out) {
    const auto timeout = std::chrono::ceil<milliseconds>(std::min(wait, pause_));
    epoll_event event{};
    if (timeout.count() > 0) epoll_wait(wakeups_.get(), &event, 1, static_cast<int>(timeout.count()));
    out_ = &out;
    const int count = ring_buffer__consume(ring_);
    out_ = nullptr;
    if (count < 0) return base::system_error("ring buffer", -count);
    pause_ = count > 0 ? kBusyPause : std::clamp(pause_ * 2, kBusyPause, kIdlePause);
    return static_cast<std::size_t>(count);
}

}  // namespace llmsnoop::capture::live
