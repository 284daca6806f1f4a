#include "agent/attribution/kubernetes/pod_object.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "agent/attribution/kubernetes/workload.h"

namespace llmsnoop::attribution::kubernetes {
namespace {

using Type = WatchEvent::Type;

const std::string kPod = R"({"metadata": {"name": "app-7c9f8-x2x", "namespace": "prod", "uid": "u-1",
    "resourceVersion": "77", "labels": {"app": "app", "team": "search", "pod-template-hash": "7c9f8", "n": 7},
    "annotations": {"example.com/cost-centre": "4711", "note": "long"}, "managedFields": [{"manager": "kubelet"}],
    "ownerReferences": [{"kind": "Other", "name": "o"}, {"kind": "ReplicaSet", "name": "app-7c9f8", "controller": true}]},
  "spec": {"nodeName": "node-1", "containers": [{"name": "app", "env": [{"name": "KEY", "value": "secret"}]}]},
  "status": {"phase": "Running",
    "containerStatuses": [{"name": "app", "image": "registry.example/app:1", "containerID": "containerd://aa",
        "lastState": {"terminated": {"containerID": "containerd://a0", "exitCode": 1}}},
        {"name": "side", "image": "side:2", "containerID": ""}],
    "initContainerStatuses": [{"name": "init", "containerID": "cri-o://bb"}],
    "ephemeralContainerStatuses": [{"name": "debug", "containerID": "docker://cc"}]}})";

const PodFacts kFacts{"u-1",
                      "",
                      "prod",
                      "app-7c9f8-x2x",
                      "node-1",
                      "Deployment",
                      "app",
                      {{"team", "search"}, {"example.com/cost-centre", "4711"}},
                      {{"a0", "app", "registry.example/app:1"},
                       {"aa", "app", "registry.example/app:1"},
                       {"bb", "init", ""},
                       {"cc", "debug", ""}}};

const WantedLabels kWanted{{"team", "missing", "n"}, {"example.com/cost-centre", "team"}};

TEST(PodObjectTest, AListOfPodsIsRead) {
    const auto list = read_pod_list(
        R"({"kind": "PodList", "metadata": {"resourceVersion": "1000", "continue": "abc"}, "items": [)" + kPod + "]}",
        kWanted);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->resource_version, "1000");
    EXPECT_EQ(list->continue_token, "abc");
    EXPECT_EQ(list->malformed, 0U);
    ASSERT_EQ(list->pods.size(), 1U);
    EXPECT_EQ(list->pods[0], kFacts);
}

TEST(PodObjectTest, AnEmptyListMayBeNull) {
    const auto list = read_pod_list(R"({"metadata": {"resourceVersion": "5"}, "items": null})", kWanted);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->resource_version, "5");
    EXPECT_TRUE(list->pods.empty());
}

TEST(PodObjectTest, AnItemThatIsNoPodCostsOnlyItself) {
    const auto list = read_pod_list(R"({"metadata": {"resourceVersion": "5"}, "items": [7, {}, {"metadata": {"uid": 1}},
        {"metadata": {"uid": "u", "name": "", "namespace": "n"}}, )" +
                                        kPod + "]}",
                                    kWanted);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->malformed, 4U);
    EXPECT_EQ(list->pods.size(), 1U);
}

TEST(PodObjectTest, WhatIsNoListIsRefused) {
    for (const char* text : {"", "{", "[]", "{}", "7", R"({"items": 7})", R"({"kind": "Status", "code": 403})"})
        EXPECT_FALSE(read_pod_list(text, kWanted)) << text;
    EXPECT_FALSE(read_pod_list(std::string(2'000'000, '['), kWanted));
}

TEST(PodObjectTest, EventsAreRead) {
    for (const auto& [name, type] : std::vector<std::pair<std::string, Type>>{
             {"ADDED", Type::added}, {"MODIFIED", Type::modified}, {"DELETED", Type::deleted}}) {
        const WatchEvent event = read_watch_event(R"({"type": ")" + name + R"(", "object": )" + kPod + "}", kWanted);
        EXPECT_EQ(event.type, type);
        EXPECT_EQ(event.resource_version, "77");
        EXPECT_EQ(event.pod, kFacts);
    }
    const WatchEvent bookmark = read_watch_event(
        R"({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "12746"}}})", kWanted);
    EXPECT_EQ(bookmark.type, Type::bookmark);
    EXPECT_EQ(bookmark.resource_version, "12746");
    const WatchEvent error = read_watch_event(
        R"({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410}})",
        kWanted);
    EXPECT_EQ(error.type, Type::error);
    EXPECT_EQ(error.code, 410);
}

TEST(PodObjectTest, WhatIsNoEventIsMalformed) {
    for (const std::string& line : std::vector<std::string>{
             "", "{", "null", "[]", "{}", R"({"type": "ADDED"})", R"({"type": "ADDED", "object": {"metadata": {}}})",
             R"({"type": "MOVED", "object": )" + kPod + "}", R"({"type": 7, "object": )" + kPod + "}",
             R"({"type": "BOOKMARK", "object": {}})", std::string(kMaxEventBytes + 1, ' ')})
        EXPECT_EQ(read_watch_event(line, kWanted).type, Type::malformed) << line.substr(0, 80);
    EXPECT_EQ(read_watch_event(R"({"type": "ERROR", "object": {"code": -1}})", kWanted).code, 0);
    EXPECT_EQ(read_watch_event(R"({"type": "ERROR", "object": {"code": 1e300}})", kWanted).code, 0);
}

TEST(PodObjectTest, AStaticPodIsAlsoKnownByWhatStandsInItsPaths) {
    const WatchEvent event =
        read_watch_event(R"({"type": "ADDED", "object": {"metadata": {"name": "etcd-node-1", "namespace": "kube-system",
        "uid": "u-2", "resourceVersion": "1", "annotations": {"kubernetes.io/config.mirror": "hash"},
        "ownerReferences": [{"kind": "Node", "name": "node-1", "controller": true}]}}})",
                         kWanted);
    EXPECT_EQ(event.pod.static_uid, "hash");
    EXPECT_EQ(event.pod.workload_kind, "Pod");
    EXPECT_EQ(event.pod.workload_name, "etcd-node-1");
}

// Any line, damaged anywhere, is read or refused.
TEST(PodObjectTest, DamagedEventsDoNoHarm) {
    const std::string whole = R"({"type": "ADDED", "object": )" + kPod + "}";
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
        std::string line = whole;
        for (unsigned i = 1 + random() % 4; i > 0; --i)
            line[random() % line.size()] = static_cast<char>(random());
        if (random() % 4 == 0) line.resize(random() % line.size());
        const WatchEvent event = read_watch_event(line, kWanted);
        if (event.type == Type::added) {
            EXPECT_FALSE(event.pod.uid.empty());
        }
    }
}

TEST(WorkloadTest, IsWhatPeopleNameIt) {
    const std::string pod = "p-x";
    EXPECT_EQ(workload_of({"ReplicaSet", "app-7c9f8"}, "7c9f8", pod), (Workload{"Deployment", "app"}));
    EXPECT_EQ(workload_of({"ReplicaSet", "a-7c9f8"}, "7c9f8", pod), (Workload{"Deployment", "a"}));
    EXPECT_EQ(workload_of({"ReplicaSet", "app-7c9f8"}, "", pod), (Workload{"ReplicaSet", "app-7c9f8"}));
    EXPECT_EQ(workload_of({"ReplicaSet", "app-7c9f8"}, "other", pod), (Workload{"ReplicaSet", "app-7c9f8"}));
    EXPECT_EQ(workload_of({"ReplicaSet", "-7c9f8"}, "7c9f8", pod), (Workload{"ReplicaSet", "-7c9f8"}));
    EXPECT_EQ(workload_of({"ReplicaSet", "app7c9f8"}, "7c9f8", pod), (Workload{"ReplicaSet", "app7c9f8"}));
    EXPECT_EQ(workload_of({"StatefulSet", "db"}, "", pod), (Workload{"StatefulSet", "db"}));
    EXPECT_EQ(workload_of({"DaemonSet", "agent"}, "", pod), (Workload{"DaemonSet", "agent"}));
    EXPECT_EQ(workload_of({"Job", "report-29394720"}, "", pod), (Workload{"CronJob", "report"}));
    EXPECT_EQ(workload_of({"Job", "import-20261120"}, "", pod), (Workload{"Job", "import-20261120"})) << "a date";
    EXPECT_EQ(workload_of({"Job", "import-2939472"}, "", pod), (Workload{"Job", "import-2939472"}));
    EXPECT_EQ(workload_of({"Job", "-29394720"}, "", pod), (Workload{"Job", "-29394720"}));
    EXPECT_EQ(workload_of({"Job", "a-2939472x"}, "", pod), (Workload{"Job", "a-2939472x"}));
    EXPECT_EQ(workload_of({}, "", pod), (Workload{"Pod", pod}));
    EXPECT_EQ(workload_of({"Node", "node-1"}, "", pod), (Workload{"Pod", pod}));
}

}  // namespace
}  // namespace llmsnoop::attribution::kubernetes
