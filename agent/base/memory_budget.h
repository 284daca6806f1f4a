#pragma once
// A bound on what many holders keep in memory together, whoever filled it: the limits of one body or message say
// nothing about ten thousand of them.
//
// A holder that is small is always let be (MemoryShare::kFree), so that when others have used up the budget, what needs
// little goes on; one that wants to grow beyond what is left must give something up, and count that as a loss. What is
// held is rounded down, so a share mostly costs a comparison.
//
// MemoryBudget is thread-safe; a share belongs to its holder's thread. The budget outlives its shares.
#include <atomic>
#include <cstddef>
#include <utility>

namespace llmsnoop::base {

class MemoryBudget {
 public:
    explicit MemoryBudget(std::size_t limit) : limit_(limit) {}
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    std::size_t limit() const { return limit_; }
    std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
    friend class MemoryShare;

    bool take(std::size_t bytes) {
        const std::size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
        if (before <= limit_ && bytes <= limit_ - before) return true;
        give_back(bytes);
        return false;
    }
    void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    const std::size_t limit_;
    std::atomic<std::size_t> used_{0};
};

// What one holder keeps; given back when it ends.
class MemoryShare {
 public:
    static constexpr std::size_t kFree = 128U << 10;  // and the step in which more is taken

    MemoryShare() = default;  // of no budget: everything is granted
    explicit MemoryShare(MemoryBudget* budget) : budget_(budget) {}
    MemoryShare(MemoryShare&& other) noexcept
        : budget_(other.budget_), taken_(std::exchange(other.taken_, std::size_t{0})) {}
    MemoryShare& operator=(MemoryShare&& other) noexcept {
        std::swap(budget_, other.budget_);
        std::swap(taken_, other.taken_);
        return *this;
    }
    ~MemoryShare() { hold(0); }

    // The holder keeps `bytes` in all now. False: more than the budget has left; the share stays as it was.
    bool hold(std::size_t bytes) {
        const std::size_t wanted = bytes & ~(kFree - 1);
        if (wanted == taken_ || budget_ == nullptr) return true;
        if (wanted > taken_ && !budget_->take(wanted - taken_)) return false;
        if (wanted < taken_) budget_->give_back(taken_ - wanted);
        taken_ = wanted;
        return true;
    }

 private:
    MemoryBudget* budget_ = nullptr;
    std::size_t taken_ = 0;
};

}  // namespace llmsnoop::base
