#pragma once
// Reads one ring buffer. Nobody is woken per record: the reader comes by time, often while there is something to read
// and seldom while there is not, and the kernel side wakes it only when the ring fills up (bpf/lib/emit.bpf.h).
//
// Not thread-safe; one thread per reader.
#include <cstdint>
#include <memory>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/function_ref.h"
#include "agent/base/result.h"

struct ring_buffer;

namespace llmsnoop::capture::live {

class RingReader {
 public:
    static base::Result<std::unique_ptr<RingReader>> open(int ring_fd);
    ~RingReader();
    RingReader(const RingReader&) = delete;
    RingReader& operator=(const RingReader&) = delete;

    // Waits until it is time to look (at most `wait`), then delivers everything that is there. Returns the number of
    // records.
    base::Result<std::size_t> read(base::Duration wait, base::FunctionRef<void(base::Bytes)> out);

 private:
    RingReader() = default;

    ring_buffer* ring_ = nullptr;
    base::Fd wakeups_;  // epoll, edge-triggered: level-triggered it would return at once while anything is unread
    base::Duration pause_{0};
    base::FunctionRef<void(base::Bytes)>* out_ = nullptr;  // during read() only
};

}  // namespace llmsnoop::capture::live
