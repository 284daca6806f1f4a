#include "agent/attribution/bundles.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "agent/attribution/host_files.h"
#include "agent/attribution/process_table.h"

namespace llmsnoop::attribution {
namespace {

namespace fs = std::filesystem;

const std::string kId(64, 'a');
const std::string kOther(64, 'b');
const std::string kUid = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
const std::string kTasks = "run/containerd/io.containerd.runtime.v2.task/";

std::string containerd_config(const std::string& uid, const std::string& pod, const std::string& container = "app") {
    return R"({"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": ")" +
           container + R"(", "io.kubernetes.cri.image-name": "registry.example/app:1",
        "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.sandbox-name": ")" +
           pod + R"(", "io.kubernetes.cri.sandbox-uid": ")" + uid + R"("}})";
}

// A directory that stands for the host's root.
class BundlesTest : public testing::Test {
 protected:
    BundlesTest() {
        std::string name = (fs::temp_directory_path() / "bundlesXXXXXX").string();
        root_ = mkdtemp(name.data());
    }
    ~BundlesTest() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    std::optional<BundleFacts> find(const std::string& id, const std::string& runtime, const std::string& uid) const {
        Bundles bundles({root_.string()});
        return bundles.find({id, runtime, uid, CgroupNames::MadeBy::system});
    }

    fs::path root_;
};

TEST_F(BundlesTest, FindsTheFilesOfEachRuntime) {
    write(kTasks + "k8s.io/" + kId + "/config.json", containerd_config(kUid, "app-1"));
    EXPECT_EQ(find(kId, "containerd", kUid)->pod_name, "app-1");
    EXPECT_EQ(find(kId, "", kUid)->pod_name, "app-1") << "the cgroupfs driver does not tell the runtime";
    EXPECT_FALSE(find(kOther, "", ""));

    const std::string docker(64, 'd');
    write("var/lib/docker/containers/" + docker + "/config.v2.json", R"({"Name": "/web", "Config": {"Image": "n"}})");
    write(kTasks + "moby/" + docker + "/config.json", "{}");
    EXPECT_EQ(find(docker, "", "")->name, "web");
    EXPECT_EQ(find(docker, "docker", "")->name, "web");

    const std::string crio(64, 'c');
    write("run/containers/storage/overlay-containers/" + crio + "/userdata/config.json",
          R"({"annotations": {"io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.pod.name": "p",
              "io.kubernetes.pod.namespace": "n", "io.kubernetes.container.name": "c", "io.kubernetes.pod.uid": ")" +
              kUid + "\"}}");
    EXPECT_EQ(find(crio, "cri-o", kUid)->pod_name, "p");
    EXPECT_EQ(find(crio, "", kUid)->pod_container, "c");

    const std::string podman(64, 'e');
    write("run/containers/storage/overlay-containers/" + podman + "/userdata/config.json", "{\"annotations\": {}}");
    write("var/lib/containers/storage/overlay-containers/containers.json",
          R"([{"id": ")" + podman + R"(", "names": ["db"]}])");
    EXPECT_EQ(find(podman, "podman", "")->name, "db");

    const std::string nerdctl(64, '9');
    write(kTasks + "default/" + nerdctl + "/config.json", R"({"annotations": {"nerdctl/name": "job"}})");
    EXPECT_EQ(find(nerdctl, "", "")->name, "job");
    EXPECT_EQ(Bundles({root_.string()}).all().size(), 6U);
}

TEST_F(BundlesTest, APodIsBelievedOnlyWithTheUidOfThePath) {
    write(kTasks + "k8s.io/" + kId + "/config.json", containerd_config(kUid, "app-1"));
    const auto other = find(kId, "containerd", "ffffffff-4f50-6172-8394-a5b6c7d8e9f0");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->name, "app");
    EXPECT_EQ(other->pod_name + other->pod_namespace + other->pod_uid + other->pod_container, "");
    EXPECT_EQ(find(kId, "containerd", "")->pod_name, "") << "no pod in the path";
}

TEST_F(BundlesTest, WhatOthersThanTheHostsRuntimesMadeIsNotLookedUp) {
    write(kTasks + "k8s.io/" + kId + "/config.json", containerd_config(kUid, "app-1"));
    Bundles bundles({root_.string()});
    EXPECT_FALSE(bundles.find({kId, "containerd", "", CgroupNames::MadeBy::user}));
    EXPECT_FALSE(bundles.find({kId, "containerd", "", CgroupNames::MadeBy::container}));
    write("secret/config.json", containerd_config(kUid, "app-1"));
    EXPECT_FALSE(find("../../../../secret", "containerd", kUid));
    EXPECT_FALSE(find("..", "", kUid));
    EXPECT_FALSE(find("", "", kUid));
}

TEST_F(BundlesTest, LinksStayWithinTheRoot) {
    write("srv/real/config.json", containerd_config(kUid, "app-1"));
    fs::create_directories(root_ / (kTasks + "k8s.io"));
    fs::create_directory_symlink("/srv/real", root_ / (kTasks + "k8s.io/" + kId));  // absolute: from the root on
    EXPECT_EQ(find(kId, "containerd", kUid)->pod_name, "app-1");
    const fs::path outside = root_.string() + "-outside";
    std::ofstream(outside) << containerd_config(kUid, "app-1");
    fs::create_directories(root_ / (kTasks + "k8s.io/" + kOther));
    fs::create_symlink(outside, root_ / (kTasks + "k8s.io/" + kOther + "/config.json"));
    EXPECT_EQ(find(kOther, "containerd", kUid)->name, "") << "only what the link within the root says of the pod";
    fs::remove(outside);
}

TEST_F(BundlesTest, WhatIsNoOrdinaryFileIsNotRead) {
    fs::create_directories(root_ / (kTasks + "k8s.io/" + kId + "/config.json"));
    EXPECT_FALSE(find(kId, "containerd", kUid));
    fs::create_directories(root_ / (kTasks + "k8s.io/" + kOther));
    const std::string pipe = root_ / (kTasks + "k8s.io/" + kOther + "/config.json");
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_FALSE(find(kOther, "containerd", kUid)) << "and it does not wait for a writer";
    write("large", std::string(1000, 'x'));
    EXPECT_EQ(read_below(root_.string(), "large", 1000)->size(), 1000U);
    EXPECT_FALSE(read_below(root_.string(), "large", 999));
    EXPECT_EQ(read_below("/", "proc/self/comm", 100)->substr(0, 4), "unit") << "its size is told to be 0";
    EXPECT_FALSE(read_below("/", "proc/self/maps", 100));
}

TEST_F(BundlesTest, RemembersWhatItFoundAfterTheFileIsGone) {
    const std::string path = kTasks + "k8s.io/" + kId + "/config.json";
    write(path, containerd_config(kUid, "app-1"));
    Bundles bundles({root_.string()});
    const CgroupNames names{kId, "containerd", kUid, CgroupNames::MadeBy::system};
    ASSERT_TRUE(bundles.find(names));
    fs::remove(root_ / path);
    EXPECT_EQ(bundles.find(names)->pod_name, "app-1");
}

TEST_F(BundlesTest, TheSandboxNamesThePodOfAContainerWhoseFileIsGone) {
    write(kTasks + "k8s.io/" + kId + "/config.json",
          R"({"annotations": {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-name": "app-1",
              "io.kubernetes.cri.sandbox-namespace": "prod", "io.kubernetes.cri.sandbox-uid": ")" +
              kUid + "\"}}");
    Bundles bundles({root_.string()});
    const CgroupNames gone{kOther, "containerd", kUid, CgroupNames::MadeBy::system};
    const auto facts = bundles.find(gone);  // before anybody has met the sandbox
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"", "", "", kUid, "prod", "app-1", ""}));
    fs::remove_all(root_ / kTasks);
    EXPECT_EQ(bundles.find(gone)->pod_name, "app-1");
    EXPECT_FALSE(
        bundles.find({kOther, "containerd", "ffffffff-4f50-6172-8394-a5b6c7d8e9f0", CgroupNames::MadeBy::system}));
}

TEST_F(BundlesTest, AProcessGetsTheNamesOfItsPod) {
    write(kTasks + "k8s.io/" + kId + "/config.json", containerd_config(kUid, "app-1"));
    model::LossCounters losses;
    Bundles bundles({"/nowhere", root_.string()});
    ProcessTable table(ProcessTable::Facts::from_events, losses, &bundles);
    model::Process process;
    process.key = {100, 5};
    process.cgroup = "/kubepods/burstable/pod" + kUid + "/" + kId;
    table.seen(process);
    const auto identity = table.identity({100, 5});
    EXPECT_EQ(*identity->container, (model::Container{kId, "containerd", "app", "registry.example/app:1"}));
    ASSERT_TRUE(identity->pod);
    EXPECT_EQ(identity->pod->namespace_name, "prod");
    EXPECT_EQ(identity->pod->name, "app-1");
    EXPECT_EQ(identity->pod->uid, kUid);
    EXPECT_EQ(identity->pod->container, "app");
    EXPECT_EQ(identity->systemd_unit, "");
}

TEST(ProcessTableUnitTest, OutsideContainersTheServiceIsKnown) {
    model::LossCounters losses;
    ProcessTable table(ProcessTable::Facts::from_events, losses);
    model::Process process;
    process.key = {100, 5};
    process.cgroup = "/system.slice/nginx.service";
    table.seen(process);
    EXPECT_EQ(table.identity({100, 5})->systemd_unit, "nginx.service");
    process.key = {101, 5};
    process.cgroup = "/lxc.payload.web/system.slice/nginx.service";
    table.seen(process);
    EXPECT_EQ(table.identity({101, 5})->systemd_unit, "");
    EXPECT_EQ(table.identity({101, 5})->container->name, "web");
}

}  // namespace
}  // namespace llmsnoop::attribution
