#pragma once
// A fixed set of event counters, one per value of an enum. Any thread may add; readers see each counter on its own
// (there is no snapshot across counters). Counters only grow.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace llmsnoop::base {

template <typename Enum, std::size_t kCount>
class CounterArray {
 public:
    void add(Enum which, std::uint64_t count = 1) {
        counts_[static_cast<std::size_t>(which)].fetch_add(count, std::memory_order_relaxed);
    }
    std::uint64_t get(Enum which) const {
        return counts_[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
    }

 private:
    std::array<std::atomic<std::uint64_t>, kCount> counts_{};
};

}  // namespace llmsnoop::base
