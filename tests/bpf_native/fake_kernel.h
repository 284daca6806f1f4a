#pragma once
// The kernel's side of the helpers in kernel_stub.h: maps with limits and faults, ring buffers that fill up, user
// memory with holes, and who is running. One per process, because the programs reach it through C functions; reset()
// before each test.
//
// Strict where the kernel is forgiving: deleted map elements and submitted records are freed at once and records are
// exactly as long as was asked for, so that AddressSanitizer sees every access beyond or after them.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"
#include "tests/bpf_native/kernel_types.h"

struct stub_map;

namespace llmsnoop::bpf_native {

// A record of a ring buffer as the reader gets it.
struct Record {
    std::vector<std::uint8_t> bytes;

    const wire_header& header() const { return *reinterpret_cast<const wire_header*>(bytes.data()); }
    wire_kind kind() const { return static_cast<wire_kind>(header().kind); }
    template <typename Fixed>
    Fixed as() const {
        Fixed out{};
        std::memcpy(&out, bytes.data(), std::min(bytes.size(), sizeof out));
        return out;
    }
    // Of a WIRE_DATA record: what was captured.
    std::string payload() const {
        const auto data = as<wire_data>();
        return {reinterpret_cast<const char*>(bytes.data()) + sizeof data, data.captured};
    }
};

// BPF_MAP_TYPE_RINGBUF. Space is that of the reader's position: what has not been taken is still there.
class Ring {
 public:
    explicit Ring(std::size_t capacity) : capacity_(capacity) {}

    void* reserve(std::size_t size);
    std::size_t unread() const { return used_; }
    std::size_t read() const { return read_; }  // positions of the reader and of the writers
    std::size_t written() const { return read_ + used_; }
    std::size_t wake_ups() const { return wake_ups_; }
    std::size_t unsubmitted() const { return open_.size(); }

    // All records up to the first that is still being written; no more once so many bytes were taken.
    std::vector<Record> take(std::size_t most = ~std::size_t{0});

 private:
    friend class FakeKernel;
    struct Slot {
        std::unique_ptr<std::uint8_t[]> memory;
        std::vector<std::uint8_t> bytes;  // once submitted
        std::size_t size = 0;
        enum class State { open, submitted, discarded } state = State::open;
    };
    bool finish(void* record, std::uint64_t flags, bool discard);

    std::size_t capacity_;
    std::size_t used_ = 0;  // headers included
    std::size_t read_ = 0;
    std::size_t wake_ups_ = 0;
    std::deque<Slot> slots_;
    std::map<void*, std::size_t> open_;  // memory -> number of its slot, counted from the beginning
    std::size_t taken_ = 0;
};

// Who executes the programs.
struct Current {
    task_struct* task = nullptr;
    std::uint32_t tgid = 0, tid = 0, uid = 0, cpu = 0;
    std::uint64_t cgroup_id = 0;
    std::set<std::uint32_t> under;  // indices of target_cgroups
    pt_regs registers{};            // with which it entered the kernel
};

class FakeKernel {
 public:
    static FakeKernel& instance();

    // Empty maps, one ring of 1 MiB, default knobs, nobody running, time at one second.
    void reset();

    // --- the agent's side
    struct knobs& knobs();
    // Replaces the rings; their number must be a power of two.
    void make_rings(std::size_t count, std::size_t capacity);
    Ring& ring(std::size_t index = 0) { return *rings_.at(index); }
    template <typename Key, typename Value>
    void put(const std::string& map, const Key& key, const Value& value) {
        put_bytes(map, std::string(reinterpret_cast<const char*>(&key), sizeof key), &value, sizeof value);
    }
    template <typename Value, typename Key>
    std::optional<Value> get(const std::string& map, const Key& key) const {
        Value out{};
        if (!get_bytes(map, std::string(reinterpret_cast<const char*>(&key), sizeof key), &out, sizeof out))
            return std::nullopt;
        return out;
    }
    std::size_t entries(const std::string& map) const;
    std::uint64_t losses(wire_loss which) const;  // of all CPUs

    // --- faults
    // No more than `entries` in this hash map.
    void limit(const std::string& map, std::size_t entries) { limits_[map] = entries; }
    // The next `count` updates of this map fail.
    void fail_updates(const std::string& map, unsigned count) { failing_[map] = count; }
    void make_unreadable(const void* begin, std::size_t size);

    // --- time and place
    Current current;
    std::uint64_t now = 0;   // CLOCK_MONOTONIC
    std::uint64_t tick = 1;  // how far each look at the clock moves it
    bool session_return = false;

    // --- the helpers
    void* lookup(const stub_map& map, const void* key);
    long update(const stub_map& map, const void* key, const void* value, std::uint64_t flags);
    long erase(const stub_map& map, const void* key);
    void finish_record(void* record, std::uint64_t flags, bool discard);
    bool readable(const void* address, std::size_t size) const;

 private:
    struct Map {
        std::map<std::string, std::unique_ptr<std::uint64_t[]>> values;
        std::map<std::string, std::uint64_t> used;  // LRU: when
        std::uint64_t clock = 0;
    };
    void put_bytes(const std::string& map, const std::string& key, const void* value, std::size_t size);
    bool get_bytes(const std::string& map, const std::string& key, void* value, std::size_t size) const;

    std::map<std::string, Map> maps_;
    std::map<std::string, std::size_t> limits_;
    std::map<std::string, unsigned> failing_;
    std::vector<std::unique_ptr<Ring>> rings_;
    std::map<const std::uint8_t*, const std::uint8_t*> unreadable_;  // begin -> end
};

}  // namespace llmsnoop::bpf_native
