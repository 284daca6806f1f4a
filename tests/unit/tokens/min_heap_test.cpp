#include "agent/tokens/min_heap.h"

#include <gtest/gtest.h>

#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace llmsnoop::tokens {
namespace {

TEST(MinHeap, GivesTheLeastFirst) {
    std::mt19937_64 random(5);
    for (int round = 0; round < 200; ++round) {
        MinHeap heap;
        std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> reference;
        for (int step = 0; step < 300; ++step) {
            if (reference.empty() || random() % 3 != 0) {
                const std::uint64_t value = random() % 50;
                heap.push(value);
                reference.push(value);
            } else {
                ASSERT_EQ(heap.pop(), reference.top());
                reference.pop();
            }
            ASSERT_EQ(heap.empty(), reference.empty());
        }
        heap.clear();
        EXPECT_TRUE(heap.empty());
    }
}

}  // namespace
}  // namespace llmsnoop::tokens
