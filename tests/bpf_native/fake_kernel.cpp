#include "tests/bpf_native/fake_kernel.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tests/bpf_native/programs.h"

// As in kernel_stub.h, which is C.
struct stub_map {
    const char* name;
    __u32 type, key_size, value_size, max_entries;
};

namespace llmsnoop::bpf_native {

namespace {

constexpr __u32 kHash = 1, kArray = 2, kPerCpuArray = 6, kLruHash = 9, kArrayOfMaps = 12;
constexpr std::uint64_t kNoWakeUp = 1, kForceWakeUp = 2;
constexpr std::uint64_t kUnread = 0, kWritten = 3;  // BPF_RB_AVAIL_DATA, BPF_RB_PROD_POS
constexpr std::size_t kRingHeader = 8;
constexpr std::uint8_t kOldMemory = 0xa5;

// A program that breaks the rules of the verifier or of the ring buffer ends the test program.
[[noreturn]] void misuse(const char* what) {
    std::fprintf(stderr, "fake kernel: %s\n", what);
    std::abort();
}

std::string name_of(const stub_map& map) {
    return map.name + 1;  // behind the '&'
}

std::string key_of(const stub_map& map, const void* key) {
    return {static_cast<const char*>(key), map.key_size};
}

std::unique_ptr<std::uint64_t[]> value_memory(std::size_t size) {
    return std::make_unique<std::uint64_t[]>((size + 7) / 8);
}

}  // namespace

void* Ring::reserve(std::size_t size) {
    // kernel/bpf/ringbuf.c: a header of 8 bytes, rounded up to 8, and one byte must stay free.
    const std::size_t total = (size + kRingHeader + 7) / 8 * 8;
    if (used_ + total > capacity_ - 1) return nullptr;
    used_ += total;
    Slot slot;
    slot.memory = std::make_unique<std::uint8_t[]>(size);
    slot.size = size;
    std::memset(slot.memory.get(), kOldMemory, size);
    void* memory = slot.memory.get();
    open_[memory] = taken_ + slots_.size();
    slots_.push_back(std::move(slot));
    return memory;
}

bool Ring::finish(void* record, std::uint64_t flags, bool discard) {
    const auto at = open_.find(record);
    if (at == open_.end()) return false;
    Slot& slot = slots_[at->second - taken_];
    slot.bytes.assign(slot.memory.get(), slot.memory.get() + slot.size);
    slot.memory.reset();
    slot.state = discard ? Slot::State::discarded : Slot::State::submitted;
    open_.erase(at);
    if (flags == kForceWakeUp)
        ++wake_ups_;
    else if (flags != kNoWakeUp)
        misuse("a record was submitted that wakes the reader whenever it has caught up");
    return true;
}

std::vector<Record> Ring::take(std::size_t most) {
    std::vector<Record> out;
    const std::size_t until = most < used_ ? read_ + most : read_ + used_;
    while (read_ < until && !slots_.empty() && slots_.front().state != Slot::State::open) {
        Slot& slot = slots_.front();
        used_ -= (slot.size + kRingHeader + 7) / 8 * 8;
        read_ += (slot.size + kRingHeader + 7) / 8 * 8;
        if (slot.state == Slot::State::submitted) out.push_back({std::move(slot.bytes)});
        slots_.pop_front();
        ++taken_;
    }
    return out;
}

FakeKernel& FakeKernel::instance() {
    static FakeKernel kernel;
    return kernel;
}

void FakeKernel::reset() {
    for (const auto& ring : rings_) {
        if (ring->unsubmitted() != 0) misuse("a record was reserved and never submitted");
    }
    maps_.clear();
    limits_.clear();
    failing_.clear();
    unreadable_.clear();
    current = {};
    now = 1'000'000'000;
    tick = 1;
    session_return = false;
    filter_epoch = 1;
    mutes_in_use = 0;
    knobs() = {};
    knobs().with_children = 1;
    knobs().call_limit = 16U << 20;
    make_rings(1, 1U << 20);
}

struct knobs& FakeKernel::knobs() {
    // The agent sets them before the programs are loaded; here they lie on a page that has to be made writable.
    auto& writable = const_cast<struct knobs&>(::knobs);
    static const bool done = [&] {
        const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
        const auto begin = reinterpret_cast<std::uintptr_t>(&writable) & ~(page - 1);
        const auto end = (reinterpret_cast<std::uintptr_t>(&writable + 1) + page - 1) & ~(page - 1);
        return mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_WRITE) == 0;
    }();
    if (!done) misuse("the knobs cannot be made writable");
    return writable;
}

void FakeKernel::make_rings(std::size_t count, std::size_t capacity) {
    rings_.clear();
    for (std::size_t i = 0; i < count; ++i)
        rings_.push_back(std::make_unique<Ring>(capacity));
    knobs().ring_mask = static_cast<__u32>(count - 1);
    knobs().wake_bytes = capacity / 4;
}

void FakeKernel::put_bytes(const std::string& map, const std::string& key, const void* value, std::size_t size) {
    auto& slot = maps_[map].values[key];
    slot = value_memory(size);
    std::memcpy(slot.get(), value, size);
}

bool FakeKernel::get_bytes(const std::string& map, const std::string& key, void* value, std::size_t size) const {
    const auto at = maps_.find(map);
    if (at == maps_.end()) return false;
    const auto found = at->second.values.find(key);
    if (found == at->second.values.end()) return false;
    std::memcpy(value, found->second.get(), size);
    return true;
}

std::size_t FakeKernel::entries(const std::string& map) const {
    const auto at = maps_.find(map);
    return at == maps_.end() ? 0 : at->second.values.size();
}

std::uint64_t FakeKernel::losses(wire_loss which) const {
    std::uint64_t sum = 0;
    const auto at = maps_.find("losses");
    if (at == maps_.end()) return 0;
    const __u32 index = which;
    const std::string key(reinterpret_cast<const char*>(&index), sizeof index);
    for (const auto& [slot, value] : at->second.values) {
        if (slot.substr(0, key.size()) == key) sum += value[0];
    }
    return sum;
}

void FakeKernel::make_unreadable(const void* begin, std::size_t size) {
    const auto* at = static_cast<const std::uint8_t*>(begin);
    unreadable_[at] = at + size;
}

bool FakeKernel::readable(const void* address, std::size_t size) const {
    const auto* begin = static_cast<const std::uint8_t*>(address);
    if (reinterpret_cast<std::uintptr_t>(address) < 4096) return size == 0;
    return std::none_of(unreadable_.begin(), unreadable_.end(),
                        [&](const auto& hole) { return begin < hole.second && begin + size > hole.first; });
}

void* FakeKernel::lookup(const stub_map& map, const void* key) {
    if (map.type == kArrayOfMaps) {
        __u32 index = 0;
        std::memcpy(&index, key, sizeof index);
        return index < rings_.size() ? rings_[index].get() : nullptr;
    }
    Map& content = maps_[name_of(map)];
    std::string bytes = key_of(map, key);
    if (map.type == kPerCpuArray || map.type == kArray) {
        __u32 index = 0;
        std::memcpy(&index, key, sizeof index);
        if (index >= map.max_entries) return nullptr;
        if (map.type == kPerCpuArray) bytes.append(reinterpret_cast<const char*>(&current.cpu), sizeof current.cpu);
        auto& slot = content.values[bytes];
        if (!slot) slot = value_memory(map.value_size);
        return slot.get();
    }
    const auto at = content.values.find(bytes);
    if (at == content.values.end()) return nullptr;
    content.used[bytes] = ++content.clock;
    return at->second.get();
}

long FakeKernel::update(const stub_map& map, const void* key, const void* value, std::uint64_t flags) {
    if (map.type != kHash && map.type != kLruHash) misuse("an update of a map that the programs do not write");
    const std::string name = name_of(map);
    if (auto failing = failing_.find(name); failing != failing_.end() && failing->second > 0) {
        --failing->second;
        return -ENOMEM;
    }
    Map& content = maps_[name];
    const std::string bytes = key_of(map, key);
    auto at = content.values.find(bytes);
    if (at != content.values.end() && flags == 1) return -EEXIST;
    if (at == content.values.end() && flags == 2) return -ENOENT;
    const auto limit = limits_.contains(name) ? limits_[name] : map.max_entries;
    if (at == content.values.end() && content.values.size() >= limit) {
        if (map.type != kLruHash) return -E2BIG;
        const auto oldest = std::min_element(
            content.values.begin(), content.values.end(),
            [&](const auto& a, const auto& b) { return content.used[a.first] < content.used[b.first]; });
        content.used.erase(oldest->first);
        content.values.erase(oldest);
    }
    // Always new memory, as in the kernel: a pointer from before an update is no longer the element.
    auto& slot = content.values[bytes];
    slot = value_memory(map.value_size);
    std::memcpy(slot.get(), value, map.value_size);
    content.used[bytes] = ++content.clock;
    return 0;
}

long FakeKernel::erase(const stub_map& map, const void* key) {
    Map& content = maps_[name_of(map)];
    const std::string bytes = key_of(map, key);
    content.used.erase(bytes);
    return content.values.erase(bytes) != 0 ? 0 : -ENOENT;
}

void FakeKernel::finish_record(void* record, std::uint64_t flags, bool discard) {
    const bool found = std::any_of(rings_.begin(), rings_.end(),
                                   [&](const auto& ring) { return ring->finish(record, flags, discard); });
    if (!found) misuse("what was submitted is no reserved record");
}

namespace {
FakeKernel& kernel() {
    return FakeKernel::instance();
}
}  // namespace

extern "C" {

void* stub_map_lookup(const stub_map* map, const void* key) {
    return kernel().lookup(*map, key);
}
long stub_map_update(const stub_map* map, const void* key, const void* value, __u64 flags) {
    return kernel().update(*map, key, value, flags);
}
long stub_map_delete(const stub_map* map, const void* key) {
    return kernel().erase(*map, key);
}

void* bpf_ringbuf_reserve(void* ring, __u64 size, __u64 /*flags*/) {
    return static_cast<Ring*>(ring)->reserve(size);
}
void bpf_ringbuf_submit(void* record, __u64 flags) {
    kernel().finish_record(record, flags, false);
}
void bpf_ringbuf_discard(void* record, __u64 flags) {
    kernel().finish_record(record, flags, true);
}
__u64 bpf_ringbuf_query(void* ring, __u64 what) {
    const auto* one = static_cast<Ring*>(ring);
    return what == kUnread ? one->unread() : what == kWritten ? one->written() : one->read();
}

long bpf_probe_read_user(void* target, __u32 size, const void* address) {
    if (!kernel().readable(address, size)) {
        std::memset(target, 0, size);
        return -EFAULT;
    }
    std::memcpy(target, address, size);
    return 0;
}

long bpf_probe_read_kernel(void* target, __u32 size, const void* address) {
    return bpf_probe_read_user(target, size, address);
}

// Returns the length with the NUL, which is there even where the text was cut.
static long read_text(void* target, __u32 size, const void* address) {
    auto* out = static_cast<char*>(target);
    const auto* in = static_cast<const char*>(address);
    for (__u32 i = 0; i < size; ++i) {
        if (!kernel().readable(in + i, 1)) {
            std::memset(out, 0, size);
            return -EFAULT;
        }
        out[i] = i + 1 == size ? '\0' : in[i];
        if (out[i] == '\0') return static_cast<long>(i) + 1;
    }
    return 0;
}
long bpf_probe_read_user_str(void* target, __u32 size, const void* address) {
    return read_text(target, size, address);
}
long bpf_probe_read_kernel_str(void* target, __u32 size, const void* address) {
    return read_text(target, size, address);
}

__u64 bpf_ktime_get_ns(void) {
    return kernel().now += kernel().tick;
}
__u64 bpf_get_current_pid_tgid(void) {
    return __u64{kernel().current.tgid} << 32 | kernel().current.tid;
}
__u64 bpf_get_current_uid_gid(void) {
    return __u64{100} << 32 | kernel().current.uid;
}
__u64 bpf_get_current_task(void) {
    return reinterpret_cast<__u64>(kernel().current.task);
}
task_struct* bpf_get_current_task_btf(void) {
    return kernel().current.task;
}
long bpf_task_pt_regs(task_struct* task) {
    if (task != kernel().current.task) std::abort();
    return reinterpret_cast<long>(&kernel().current.registers);
}
__u64 bpf_get_current_cgroup_id(void) {
    return kernel().current.cgroup_id;
}
__u32 bpf_get_smp_processor_id(void) {
    return kernel().current.cpu;
}
long stub_under_cgroup(__u32 index) {
    return kernel().current.under.contains(index) ? 1 : 0;
}
long bpf_tail_call(void* /*ctx*/, void* /*programs*/, __u32 /*index*/) {
    misuse("a program is called by way of another");
}
__u64 bpf_get_func_ip(void* regs) {
    return static_cast<pt_regs*>(regs)->ip + (kernel().session_return ? 1 : 0);
}
}

}  // namespace llmsnoop::bpf_native
