#pragma once
// A binary min-heap of 64-bit numbers. The standard one branches on every comparison, which for numbers in no order is
// mispredicted half of the time; here the path to the bottom is walked without branches.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmsnoop::tokens {

class MinHeap {
 public:
    void clear() { items_.clear(); }
    bool empty() const { return items_.empty(); }

    void push(std::uint64_t value) {
        items_.push_back(value);
        rise(items_.size() - 1, value);
    }

    // Removes and returns the least; the heap is not empty.
    std::uint64_t pop() {
        const std::uint64_t least = items_.front();
        const std::uint64_t last = items_.back();
        items_.pop_back();
        const std::size_t size = items_.size();
        if (size == 0) return least;
        // The hole at the top sinks to the bottom by the lesser child; the last item then rises from there, seldom far.
        std::uint64_t* const items = items_.data();
        std::size_t hole = 0;
        std::size_t child = 1;
        while (child + 1 < size) {
            child += items[child + 1] < items[child] ? 1 : 0;
            items[hole] = items[child];
            hole = child;
            child = 2 * hole + 1;
        }
        if (child < size) {
            items[hole] = items[child];
            hole = child;
        }
        rise(hole, last);
        return least;
    }

 private:
    void rise(std::size_t hole, std::uint64_t value) {
        std::uint64_t* const items = items_.data();
        while (hole > 0 && value < items[(hole - 1) / 2]) {
            items[hole] = items[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }
        items[hole] = value;
    }

    std::vector<std::uint64_t> items_;
};

}  // namespace llmsnoop::tokens
