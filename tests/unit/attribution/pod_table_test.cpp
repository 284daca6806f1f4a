#include "agent/attribution/pod_table.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace llmsnoop::attribution {
namespace {

using Answer = PodTable::Answer;
using Labels = std::map<std::string, std::string>;

PodFacts pod(const std::string& uid, const std::string& name, std::vector<PodContainer> containers = {}) {
    return {uid, "", "prod", name, "node-1", "Deployment", "app", {{"team", "search"}}, std::move(containers)};
}

model::Identity process_in(const std::string& uid, const std::string& container) {
    model::Identity out;
    out.container = model::Container{container, "containerd", "", ""};
    out.pod.emplace();
    out.pod->uid = uid;
    return out;
}

PodTable::Clock::time_point now;
PodTable::Clock::time_point clock_of_test() {
    return now;
}

TEST(PodTableTest, CompletesAnIdentity) {
    PodTable table;
    table.put(pod("u-1", "app-1", {{"aa", "web", "web:1"}, {"bb", "init", ""}}));
    model::Identity identity = process_in("u-1", "aa");
    EXPECT_EQ(table.complete(identity), Answer::complete);
    EXPECT_EQ(*identity.pod,
              (model::Pod{"prod", "app-1", "u-1", "web", "node-1", "Deployment", "app", Labels{{"team", "search"}}}));
    EXPECT_EQ(*identity.container, (model::Container{"aa", "containerd", "web", "web:1"}));
}

TEST(PodTableTest, WhatIsNotKnownIsWorthWaitingForOnlyIfSomebodyTells) {
    PodTable table;
    model::Identity identity = process_in("u-1", "aa");
    EXPECT_EQ(table.complete(identity), Answer::complete) << "nobody tells";
    table.expect_answers(true);
    EXPECT_EQ(table.complete(identity), Answer::unknown);
    EXPECT_EQ(identity, process_in("u-1", "aa")) << "and nothing is guessed";
    table.put(pod("u-1", "app-1"));
    EXPECT_EQ(table.complete(identity), Answer::unknown) << "its container is not there yet";
    EXPECT_EQ(identity.pod->name, "app-1");
    table.put(pod("u-1", "app-1", {{"aa", "web", ""}}));
    EXPECT_EQ(table.complete(identity), Answer::complete);
    EXPECT_EQ(identity.pod->container, "web");
}

TEST(PodTableTest, ThereIsNothingToKnowOutsidePods) {
    PodTable table;
    table.expect_answers(true);
    model::Identity identity;
    identity.systemd_unit = "nginx.service";
    EXPECT_EQ(table.complete(identity), Answer::complete);
}

TEST(PodTableTest, TheNameThatTheBundleToldNeedsNoWaiting) {
    PodTable table;
    table.expect_answers(true);
    table.put(pod("u-1", "app-1"));
    model::Identity identity = process_in("u-1", "aa");
    identity.pod->container = "web";
    EXPECT_EQ(table.complete(identity), Answer::complete);
}

TEST(PodTableTest, PodsOfTheSameNameAreNeverMixed) {
    PodTable table;
    table.put(pod("u-1", "app-0", {{"aa", "web", ""}}));
    table.remove("u-1");
    PodFacts next = pod("u-2", "app-0", {{"bb", "web", ""}});
    next.labels = {{"team", "ads"}};
    table.put(next);
    model::Identity before = process_in("u-1", "aa");
    model::Identity after = process_in("u-2", "bb");
    table.complete(before);
    table.complete(after);
    EXPECT_EQ(before.pod->labels, (Labels{{"team", "search"}}));
    EXPECT_EQ(after.pod->labels, (Labels{{"team", "ads"}}));
    // The container of one under the uid of the other: no name is taken over.
    model::Identity mixed = process_in("u-2", "aa");
    table.complete(mixed);
    EXPECT_EQ(mixed.pod->container, "");
}

TEST(PodTableTest, AContainerThatWasRestartedStaysThePods) {
    PodTable table;
    table.put(pod("u-1", "app-1", {{"a1", "web", ""}}));
    table.put(pod("u-1", "app-1", {{"a2", "web", ""}}));
    for (const char* id : {"a1", "a2"}) {
        model::Identity identity = process_in("u-1", id);
        table.complete(identity);
        EXPECT_EQ(identity.pod->container, "web") << id;
    }
    for (int i = 0; i < 1000; ++i)
        table.put(pod("u-1", "app-1", {{"r" + std::to_string(i), "web", ""}}));
    EXPECT_EQ(table.present().front().containers.size(), PodTable::Limits{}.containers);
    model::Identity last = process_in("u-1", "r999");
    table.complete(last);
    EXPECT_EQ(last.pod->container, "web");
}

TEST(PodTableTest, AStaticPodIsFoundByWhatStandsInItsPaths) {
    PodTable table;
    PodFacts mirror = pod("u-1", "etcd-node-1", {{"aa", "etcd", ""}});
    mirror.static_uid = "hash";
    table.put(mirror);
    model::Identity identity = process_in("hash", "aa");
    EXPECT_EQ(table.complete(identity), Answer::complete);
    EXPECT_EQ(identity.pod->name, "etcd-node-1");
    EXPECT_EQ(table.uids_of("prod", "etcd-node-1"), std::vector<std::string>{"hash"});
}

// Anybody who may make a pod on the node may write another's into that annotation.
TEST(PodTableTest, NobodyTakesTheNameOfAStaticPod) {
    PodTable table;
    table.expect_answers(true);
    PodFacts mirror = pod("u-1", "etcd-node-1", {{"aa", "etcd", ""}});
    mirror.static_uid = "hash";
    PodFacts thief = pod("u-2", "thief", {{"bb", "x", ""}});
    thief.static_uid = "hash";
    table.put(thief);
    model::Identity identity = process_in("hash", "aa");
    EXPECT_EQ(table.complete(identity), Answer::unknown);
    EXPECT_EQ(identity, process_in("hash", "aa"));
    table.put(mirror);
    table.put(thief);
    EXPECT_EQ(table.complete(identity), Answer::complete);
    EXPECT_EQ(identity.pod->name, "etcd-node-1");
    model::Identity sandbox = process_in("hash", "aa");
    sandbox.container.reset();
    EXPECT_EQ(table.complete(sandbox), Answer::unknown) << "no container tells whose it is";
}

TEST(PodTableTest, TellsWhoIsThereIfAnybodyTells) {
    PodTable table;
    table.put(pod("u-1", "app-1"));
    EXPECT_EQ(table.names_present(), std::nullopt);
    table.expect_answers(true);
    table.put(pod("u-2", "app-2"));
    table.remove("u-1");
    EXPECT_EQ(table.names_present(), (std::set<std::pair<std::string, std::string>>{{"prod", "app-2"}}));
}

TEST(PodTableTest, PodsThatAreGoneAreKeptForAWhile) {
    now = {};
    PodTable table({}, clock_of_test);
    table.put(pod("u-1", "app-1"));
    table.put(pod("u-2", "app-2"));
    table.remove("u-1");
    EXPECT_TRUE(table.uids_of("prod", "app-1").empty());
    EXPECT_EQ(table.size(), 2U);
    now += std::chrono::minutes(9);
    table.put(pod("u-3", "app-3"));
    EXPECT_EQ(table.size(), 3U);
    now += std::chrono::minutes(2);
    table.put(pod("u-4", "app-4"));
    EXPECT_EQ(table.size(), 3U);
    EXPECT_EQ(table.present().size(), 3U);
}

TEST(PodTableTest, APodThatComesBackIsNotForgotten) {
    now = {};
    PodTable table({}, clock_of_test);
    table.put(pod("u-1", "app-1"));
    table.remove("u-1");
    now += std::chrono::minutes(5);
    table.put(pod("u-1", "app-1"));
    now += std::chrono::minutes(6);
    table.put(pod("u-2", "app-2"));
    EXPECT_EQ(table.uids_of("prod", "app-1").size(), 1U);
    table.remove("u-1");
    table.put(pod("u-2", "app-2"));
    EXPECT_EQ(table.size(), 2U) << "gone anew, and kept anew";
}

TEST(PodTableTest, WhatIsNotInTheListIsGone) {
    PodTable table;
    table.put(pod("u-1", "app-1"));
    table.put(pod("u-2", "app-2"));
    table.begin_list();
    table.put(pod("u-2", "app-2"));
    table.put(pod("u-3", "app-3"));
    table.end_list();
    std::string uids;
    for (const PodFacts& one : table.present())
        uids += one.uid + " ";
    EXPECT_EQ(uids, "u-2 u-3 ");
}

TEST(PodTableTest, IsBounded) {
    PodTable::Limits limits;
    limits.pods = 100;
    PodTable table(limits);
    for (int i = 0; i < 1000; ++i)
        table.put(pod("u-" + std::to_string(i), "p"));
    EXPECT_EQ(table.size(), 100U);
    for (int i = 0; i < 100; ++i)
        table.remove("u-" + std::to_string(i));
    for (int i = 1000; i < 2000; ++i) {
        table.put(pod("u-" + std::to_string(i), "p"));
        table.remove("u-" + std::to_string(i));
    }
    EXPECT_EQ(table.size(), 100U);
    model::Identity newest = process_in("u-1999", "");
    table.complete(newest);
    EXPECT_EQ(newest.pod->name, "p");
}

TEST(PodTableTest, TellsOfQuestions) {
    PodTable table;
    table.expect_answers(true);
    EXPECT_FALSE(table.wait_for_question(std::chrono::milliseconds(0)));
    std::thread asker([&] {
        model::Identity identity = process_in("u-1", "aa");
        table.complete(identity);
    });
    EXPECT_TRUE(table.wait_for_question(std::chrono::hours(1)));
    asker.join();
    EXPECT_FALSE(table.wait_for_question(std::chrono::milliseconds(0))) << "it was answered for";
}

}  // namespace
}  // namespace llmsnoop::attribution
