#pragma once
// How much work one file may cause. Whoever makes a file chooses how long its analysis takes, so it ends when this is
// spent.
#include <atomic>
#include <cstdint>

namespace llmsnoop::capture::live::stripped {

class Budget {
 public:
    // Some eight times what the largest known executable needs; about two seconds.
    static constexpr std::uint64_t kInstructions = 8'000'000;

    // `cancelled`, where given, is set by another thread when nobody waits for the result any more.
    explicit Budget(std::uint64_t instructions = kInstructions, const std::atomic<bool>* cancelled = nullptr)
        : left_(instructions), cancelled_(cancelled) {}

    // Takes one step; false when there is none left.
    bool spend() {
        if (left_ == 0 || cancelled()) return false;
        --left_;
        return true;
    }
    bool exhausted() const { return left_ == 0; }
    bool cancelled() const { return cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed); }
    std::uint64_t left() const { return left_; }

 private:
    std::uint64_t left_;
    const std::atomic<bool>* cancelled_;
};

}  // namespace llmsnoop::capture::live::stripped
