#pragma once
// The property that every incremental parser here must have: how its input is cut into pieces makes no difference.
#include <gtest/gtest.h>

#include <random>
#include <string_view>

#include "tests/support/pieces.h"

namespace llmsnoop::support {

// `run` takes Pieces and returns something that can be compared and printed.
template <typename Run>
void expect_same_for_any_cut(std::string_view input, Run run, unsigned rounds = 200) {
    if (input.empty()) return;
    const auto expected = run(Pieces{input});
    EXPECT_EQ(expected, run(cut_bytewise(input))) << "byte by byte";
    std::mt19937 random(20);
    for (unsigned round = 0; round < rounds; ++round) {
        const auto seen = run(cut_randomly(input, random));
        ASSERT_EQ(expected, seen) << "random cut " << round;
    }
}

}  // namespace llmsnoop::support
