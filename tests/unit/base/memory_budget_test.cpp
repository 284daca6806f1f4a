#include "agent/base/memory_budget.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace llmsnoop::base {
namespace {

constexpr std::size_t kStep = MemoryShare::kFree;

TEST(MemoryBudgetTest, WhatIsHeldTogetherIsBounded) {
    MemoryBudget budget(10 * kStep);
    MemoryShare first(&budget), second(&budget);
    EXPECT_TRUE(first.hold(7 * kStep));
    EXPECT_FALSE(second.hold(4 * kStep));
    EXPECT_EQ(budget.used(), 7 * kStep) << "what was refused is not charged";
    EXPECT_TRUE(second.hold(3 * kStep));
    EXPECT_TRUE(first.hold(2 * kStep));
    EXPECT_TRUE(second.hold(8 * kStep));
    EXPECT_EQ(budget.used(), 10 * kStep);
}

TEST(MemoryBudgetTest, SmallHoldersAreLetBe) {
    MemoryBudget budget(kStep);
    MemoryShare large(&budget), small(&budget);
    EXPECT_TRUE(large.hold(kStep));
    EXPECT_TRUE(small.hold(kStep - 1));
    EXPECT_FALSE(small.hold(kStep));
}

TEST(MemoryBudgetTest, AShareIsGivenBackWhenItEndsAndOnlyOnce) {
    MemoryBudget budget(10 * kStep);
    {
        std::optional<MemoryShare> inner;
        {
            MemoryShare outer(&budget);
            EXPECT_TRUE(outer.hold(5 * kStep));
            inner.emplace(std::move(outer));
        }
        EXPECT_EQ(budget.used(), 5 * kStep);
        MemoryShare other(&budget);
        EXPECT_TRUE(other.hold(2 * kStep));
        other = std::move(*inner);
        EXPECT_EQ(budget.used(), 7 * kStep) << "the two have changed places";
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudgetTest, WithoutABudgetEverythingIsGranted) {
    MemoryShare share;
    EXPECT_TRUE(share.hold(std::size_t{1} << 50));
}

TEST(MemoryBudgetTest, ManyThreadsNeverHoldMoreThanThereIs) {
    MemoryBudget budget(64 * kStep);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (unsigned i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            MemoryShare share(&budget);
            for (std::size_t round = 0; round < 20'000; ++round) {
                const bool granted = share.hold((round * (i + 3)) % 40 * kStep);
                if (!granted) {
                    EXPECT_TRUE(share.hold(0));
                }
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace llmsnoop::base
