#include "agent/pipeline/late_identity.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmsnoop::pipeline {
namespace {

using attribution::PodTable;

LateIdentity::Clock::time_point now;
LateIdentity::Clock::time_point clock_of_test() {
    return now;
}

class LateIdentityTest : public testing::Test {
 protected:
    LateIdentityTest() {
        now = {};
        pods_.expect_answers(true);
    }

    static model::Identity process_in(const std::string& uid) {
        model::Identity out;
        out.container = model::Container{"c-" + uid, "containerd", "", ""};
        out.pod.emplace();
        out.pod->uid = uid;
        return out;
    }
    void start(const std::string& id, const std::string& uid) {
        model::ExchangeStarted out;
        out.id = id;
        out.identity = process_in(uid);
        late_.started(std::move(out));
    }
    void finish(const std::string& id, const std::string& uid, std::size_t bytes = 0) {
        model::Exchange out;
        out.id = id;
        out.identity = process_in(uid);
        out.llm.reasoning = model::Content(std::string(bytes, 'x'));
        late_.finished(std::move(out));
    }
    void learn(const std::string& uid, const std::string& name) {
        pods_.put({uid, "", "prod", name, "", "Deployment", "app", {}, {{"c-" + uid, "web", ""}}});
    }
    // What has left since it was last asked.
    std::string left() { return std::exchange(left_, {}); }

    model::LossCounters losses_;
    PodTable pods_;
    std::string left_;
    LateIdentity late_{
        {std::chrono::seconds(5), 4, 1000},
        pods_,
        losses_,
        {[this](model::ExchangeStarted one) { left_ += "start " + one.id + ":" + one.identity.pod->name + " "; },
         [this](model::Exchange one) {
             left_ += "end " + one.id + ":" + (one.identity.pod ? one.identity.pod->name : "-") + " ";
         }},
        clock_of_test};
};

TEST_F(LateIdentityTest, WhatIsKnownDoesNotWait) {
    learn("u", "app");
    start("1", "u");
    finish("1", "u");
    EXPECT_EQ(left(), "start 1:app end 1:app ");
    EXPECT_EQ(late_.waiting(), 0U);
    model::Exchange outside;
    outside.id = "2";
    late_.finished(std::move(outside));
    EXPECT_EQ(left(), "end 2:- ");
}

TEST_F(LateIdentityTest, ALateAnswerCompletesTheRecord) {
    start("1", "u");
    finish("1", "u");
    finish("2", "v");
    late_.next_round();
    EXPECT_EQ(left(), "");
    learn("u", "app");
    late_.next_round();
    EXPECT_EQ(left(), "start 1:app end 1:app ");
    now += std::chrono::seconds(4);
    learn("v", "other");
    late_.next_round();
    EXPECT_EQ(left(), "end 2:other ");
    EXPECT_EQ(losses_.get(model::Loss::pod_unknown), 0U);
}

TEST_F(LateIdentityTest, AfterTheTimeItLeavesWithItsUidOnly) {
    start("1", "u");
    now += std::chrono::seconds(3);
    finish("1", "u");
    now += std::chrono::seconds(2);
    late_.next_round();
    EXPECT_EQ(left(), "start 1: ");
    now += std::chrono::seconds(2);
    late_.next_round();
    EXPECT_EQ(left(), "");
    now += std::chrono::seconds(1);
    late_.next_round();
    EXPECT_EQ(left(), "end 1: ");
    EXPECT_EQ(losses_.get(model::Loss::pod_unknown), 1U);
}

TEST_F(LateIdentityTest, AnEndNeverOvertakesItsStart) {
    start("1", "u");
    learn("u", "app");
    finish("1", "u");  // could leave at once, but its start has not
    EXPECT_EQ(left(), "");
    late_.next_round();
    EXPECT_EQ(left(), "start 1:app end 1:app ");
}

TEST_F(LateIdentityTest, WhereThereIsNoRoomNothingWaits) {
    for (const char* id : {"1", "2", "3", "4", "5"})
        finish(id, "u");
    EXPECT_EQ(left(), "end 5: ");
    EXPECT_EQ(losses_.get(model::Loss::pod_unknown), 1U);
    EXPECT_EQ(late_.waiting(), 4U);
    late_.flush();
    EXPECT_EQ(left(), "end 1: end 2: end 3: end 4: ");
    EXPECT_EQ(losses_.get(model::Loss::pod_unknown), 5U);
    finish("6", "u", 600);
    finish("7", "u", 600);
    EXPECT_EQ(left(), "end 7: ") << "their texts are too much together";
    learn("u", "app");
    late_.next_round();
    EXPECT_EQ(left(), "end 6:app ");
    finish("8", "v", 900);
    EXPECT_EQ(left(), "") << "there is room again";
}

TEST_F(LateIdentityTest, NobodyWaitsWhereNobodyTells) {
    pods_.expect_answers(false);
    start("1", "u");
    finish("1", "u");
    EXPECT_EQ(left(), "start 1: end 1: ");
    EXPECT_EQ(losses_.get(model::Loss::pod_unknown), 0U);
    pods_.expect_answers(true);
    finish("2", "u");
    EXPECT_EQ(left(), "");
    pods_.expect_answers(false);
    late_.next_round();
    EXPECT_EQ(left(), "end 2: ") << "who waited is let go";
}

TEST_F(LateIdentityTest, WhatLeavesAtTheEndTakesWhatIsKnown) {
    finish("1", "u");
    learn("u", "app");
    late_.flush();
    EXPECT_EQ(left(), "end 1:app ");
    EXPECT_EQ(late_.waiting(), 0U);
}

}  // namespace
}  // namespace llmsnoop::pipeline
