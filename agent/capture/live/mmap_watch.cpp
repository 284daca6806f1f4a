#include "agent/capture/live/mmap_watch.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace llmsnoop::capture::live {

namespace {

constexpr std::size_t kDataPages = 32;  // a power of two; a notice is some 150 bytes
constexpr std::size_t kPage = 4096;

// perf_event_open(2): the fixed part of PERF_RECORD_MMAP2; the file name and the sample id follow.
struct Mmap2 {
    perf_event_header header;
    std::uint32_t pid, tid;
    std::uint64_t address, length, page_offset;
    std::uint32_t major, minor;
    std::uint64_t inode, inode_generation;
    std::uint32_t protection, flags;
};

struct Lost {
    perf_event_header header;
    std::uint64_t id, lost;
};

int perf_event_open(perf_event_attr& attributes, int cpu) {
    return static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

base::Result<std::unique_ptr<MmapWatch>> MmapWatch::open() {
    std::unique_ptr<MmapWatch> watch(new MmapWatch);
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_DUMMY;
    attributes.mmap = 1;  // executable mappings only; mmap_data would be the others
    attributes.mmap2 = 1;
    // By bytes: wakeup_events counts samples, which these notices are not, so nobody would be woken before half the
    // buffer is full.
    attributes.watermark = 1;
    attributes.wakeup_watermark = 1;
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    for (int cpu = 0; cpu < cpus; ++cpu) {
        Buffer buffer;
        buffer.fd.reset(perf_event_open(attributes, cpu));
        if (!buffer.fd) {
            if (errno == ENODEV) continue;  // the CPU is offline
            return base::system_error("perf_event_open (mmap events)");
        }
        void* memory = mmap(nullptr, kPage * (1 + kDataPages), PROT_READ | PROT_WRITE, MAP_SHARED, buffer.fd.get(), 0);
        if (memory == MAP_FAILED) return base::system_error("mmap of a perf buffer");
        buffer.memory = memory;
        watch->buffers_.push_back(std::move(buffer));
    }
    return watch;
}

MmapWatch::~MmapWatch() {
    for (Buffer& one : buffers_)
        munmap(one.memory, kPage * (1 + kDataPages));
}

std::vector<int> MmapWatch::descriptors() const {
    std::vector<int> out;
    for (const Buffer& one : buffers_)
        out.push_back(one.fd.get());
    return out;
}

std::uint64_t MmapWatch::read(base::FunctionRef<void(const Mapping&)> out) {
    std::uint64_t lost = 0;
    for (Buffer& one : buffers_)
        lost += drain(one, out);
    return lost;
}

std::uint64_t MmapWatch::drain(Buffer& buffer, base::FunctionRef<void(const Mapping&)> out) {
    auto* control = static_cast<perf_event_mmap_page*>(buffer.memory);
    const auto* data = static_cast<const std::uint8_t*>(buffer.memory) + kPage;
    constexpr std::uint64_t kSize = kPage * kDataPages;
    const std::uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
    std::uint64_t tail = control->data_tail;
    std::uint64_t lost = 0;
    std::vector<std::uint8_t> record;
    while (tail + sizeof(perf_event_header) <= head) {
        // A record may wrap around the end of the buffer, so it is copied out.
        const auto copy = [&](std::size_t size) {
            record.resize(size);
            for (std::size_t i = 0; i < size; ++i)
                record[i] = data[(tail + i) % kSize];
        };
        perf_event_header header;
        copy(sizeof header);
        std::memcpy(&header, record.data(), sizeof header);
        if (header.size < sizeof header || tail + header.size > head) break;
        copy(header.size);
        if (header.type == PERF_RECORD_MMAP2 && header.size > sizeof(Mmap2)) {
            Mmap2 fixed;
            std::memcpy(&fixed, record.data(), sizeof fixed);
            const auto* name = reinterpret_cast<const char*>(record.data()) + sizeof fixed;
            out({fixed.pid, FileId{static_cast<std::uint64_t>(fixed.major) << 32 | fixed.minor, fixed.inode},
                 std::string(name, strnlen(name, header.size - sizeof fixed))});
        } else if (header.type == PERF_RECORD_LOST && header.size >= sizeof(Lost)) {
            Lost fixed;
            std::memcpy(&fixed, record.data(), sizeof fixed);
            lost += fixed.lost;
        }
        tail += header.size;
    }
    std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
    return lost;
}

}  // namespace llmsnoop::capture::live
