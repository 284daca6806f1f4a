#include "agent/capture/live/kernel_features.h"

#include <gtest/gtest.h>

namespace llmsnoop::capture::live {
namespace {

KernelFeatures new_kernel() {
    KernelFeatures out;
    for (Feature* one : {&out.bpf, &out.btf, &out.ring_buffer, &out.tracing_programs, &out.uprobe, &out.uprobe_multi,
                         &out.uprobe_session, &out.other_processes, &out.other_files})
        one->available = true;
    return out;
}

void take(Feature& feature, const char* why) {
    feature.available = false;
    feature.why = why;
}

TEST(KernelFeaturesTest, LinksDoWithoutThePmu) {
    KernelFeatures features = new_kernel();
    EXPECT_TRUE(require_tracing(features));
    take(features.uprobe, "there is none");
    EXPECT_TRUE(require_tracing(features));
    EXPECT_EQ(features.uprobe_ways(), (std::vector{UprobeWay::session, UprobeWay::multi}));
    take(features.uprobe_session, "old");
    EXPECT_TRUE(require_tracing(features));
    take(features.uprobe_multi, "older");
    const auto refused = require_tracing(features);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "uprobe: there is none");
    features.uprobe.available = true;
    EXPECT_TRUE(require_tracing(features));
    EXPECT_EQ(features.uprobe_ways(), std::vector{UprobeWay::perf_event});
}

TEST(KernelFeaturesTest, MapsAreNoProofThatProgramsMayTrace) {
    KernelFeatures features = new_kernel();
    take(features.tracing_programs, "Operation not permitted");
    const auto refused = require_tracing(features);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, base::Error::Kind::privilege);
    EXPECT_NE(refused.error().message.find("CAP_PERFMON"), std::string::npos);
}

TEST(KernelFeaturesTest, WhatCannotBeReachedIsNamed) {
    KernelFeatures features = new_kernel();
    EXPECT_EQ(features.out_of_reach(), "");
    take(features.other_processes, "a");
    EXPECT_TRUE(require_tracing(features));
    EXPECT_EQ(features.out_of_reach(), "a");
    take(features.other_files, "b");
    EXPECT_EQ(features.out_of_reach(), "a; b");
}

}  // namespace
}  // namespace llmsnoop::capture::live
