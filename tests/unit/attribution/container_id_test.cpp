#include "agent/attribution/container_id.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace llmsnoop::attribution {
namespace {

using MadeBy = CgroupNames::MadeBy;

const std::string kId = "3f4e0a9d1b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6";
const std::string kOther(64, 'b');
const std::string kUid = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
const std::string kUidOfUnit = "0b1c2d3e_4f50_6172_8394_a5b6c7d8e9f0";
const std::string kOtherUid = "ffffffff-4f50-6172-8394-a5b6c7d8e9f0";
const std::string kHash(32, 'a');  // of a static pod's manifest
const std::string kPodSlice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidOfUnit + ".slice";
const std::string kKind =
    "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
    "kubelet-kubepods-besteffort-pod" +
    kUidOfUnit + ".slice/cri-containerd-" + kId + ".scope";
const std::string kRootless = "/user.slice/user-1000.slice/user@1000.service/user.slice";

struct Case {
    std::string path;
    std::string id;
    std::string runtime;
    std::string pod = {};
    MadeBy made_by = MadeBy::system;
};

class ContainerIdTest : public testing::TestWithParam<Case> {};

TEST_P(ContainerIdTest, IsReadFromThePath) {
    const Case& one = GetParam();
    const auto names = names_of_cgroup(one.path);
    ASSERT_TRUE(names.has_value()) << one.path;
    EXPECT_EQ(names->container_id, one.id) << one.path;
    EXPECT_EQ(names->runtime, one.runtime) << one.path;
    EXPECT_EQ(names->pod_uid, one.pod) << one.path;
    EXPECT_EQ(names->made_by, one.made_by) << one.path;
    EXPECT_EQ(systemd_unit_of_cgroup(one.path), "") << one.path;
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes, ContainerIdTest,
    testing::Values(  // systemd driver, by QoS class
        Case{kPodSlice + "/cri-containerd-" + kId + ".scope", kId, "containerd", kUid},
        Case{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidOfUnit + ".slice/docker-" + kId +
                 ".scope",
             kId, "docker", kUid},
        Case{"/kubepods.slice/kubepods-pod" + kUidOfUnit + ".slice/crio-" + kId + ".scope", kId, "cri-o", kUid},
        Case{kPodSlice + "/crio-" + kId + ".scope/container", kId, "cri-o", kUid},  // crun
        // cgroupfs driver
        Case{"/kubepods/besteffort/pod" + kUid + "/" + kId, kId, "", kUid},
        Case{"/kubepods/burstable/pod" + kUid + "/" + kId, kId, "", kUid},
        Case{"/kubepods/pod" + kUid + "/" + kId, kId, "", kUid},
        Case{"/kubepods/pod" + kUid + "/crio-" + kId, kId, "cri-o", kUid},
        // containerd's cgroupfs driver below a kubelet with the systemd driver, and the other way round
        Case{"/system.slice/containerd.service/kubepods-besteffort-pod" + kUidOfUnit + ".slice:cri-containerd:" + kId,
             kId, "containerd", kUid},
        Case{"/kubepods-pod" + kUidOfUnit + ".slice:cri-containerd:" + kId + "/inner:a", kId, "containerd", kUid},
        // static pods
        Case{"/kubepods/pod" + kHash + "/" + kId, kId, "", kHash},
        Case{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kHash + ".slice/cri-containerd-" +
                 kId + ".scope",
             kId, "containerd", kHash},
        // the pod's own cgroup; a monitor is in the pod, but not in a container
        Case{"/kubepods/burstable/pod" + kUid, "", "", kUid},
        Case{kPodSlice + "/crio-conmon-" + kId + ".scope", "", "", kUid},
        // nodes that are containers: kind and minikube, seen from outside, and from a cgroup namespace
        Case{"/docker/" + kOther + kKind, kId, "containerd", kUid},
        Case{"/system.slice/docker-" + kOther + ".scope" + kKind, kId, "containerd", kUid},
        Case{"/system.slice/docker-" + kOther + ".scope/kubepods/burstable/pod" + kUid + "/" + kId, kId, "", kUid},
        Case{"/docker/" + kOther + "/kubelet/kubepods/burstable/pod" + kUid + "/" + kId, kId, "", kUid},
        Case{"/../../pod" + kUid + "/" + kId, kId, "", kUid}, Case{"/../../../besteffort/pod" + kUid, "", "", kUid},
        Case{"/../../kubepods-pod" + kUidOfUnit + ".slice/cri-containerd-" + kId + ".scope", kId, "containerd", kUid},
        // systemd in a container of a pod, and a container engine in it
        Case{kPodSlice + "/cri-containerd-" + kId + ".scope/system.slice/nginx.service", kId, "containerd", kUid},
        Case{kPodSlice + "/cri-containerd-" + kId + ".scope/docker/" + kOther, kId, "containerd", kUid}));

INSTANTIATE_TEST_SUITE_P(
    Runtimes, ContainerIdTest,
    testing::Values(
        Case{"/docker/" + kId, kId, "docker"}, Case{"/system.slice/docker-" + kId + ".scope", kId, "docker"},
        Case{"/system.slice/docker-" + kId + ".scope/init.scope", kId, "docker"},
        Case{"/my.slice/" + kId, kId, ""},  // --cgroup-parent
        Case{"/machine.slice/libpod-" + kId + ".scope/container", kId, "podman"},
        Case{"/machine.slice/machine-libpod_pod_" + kOther + ".slice/libpod-" + kId + ".scope", kId, "podman"},
        Case{"/system.slice/web.service/libpod-payload-" + kId, kId, "podman"},
        Case{"/libpod_parent/" + kId, kId, "podman"}, Case{"/libpod_parent/libpod-" + kId, kId, "podman"},
        Case{"/system.slice/nerdctl-" + kId + ".scope", kId, "containerd"}, Case{"/default/" + kId, kId, ""},
        Case{"/lxc/web", "web", "lxc"}, Case{"/lxc/101/ns/system.slice/cron.service", "101", "lxc"},
        Case{"/lxc.payload.web/init.scope", "web", "lxc"}, Case{"/lxc.payload/web", "web", "lxc"},
        Case{"/machine.slice/systemd-nspawn@deb.service/payload", "deb", "systemd-nspawn"},
        Case{"/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-2894371",
             "0123456789abcdef0123456789abcdef-2894371", ""},
        Case{"/garden/70eb5d7e-1d3a-4d83-5c1c-5a47", "70eb5d7e-1d3a-4d83-5c1c-5a47", "garden"},
        // a user's own runtime
        Case{kRootless + "/libpod-" + kId + ".scope/container", kId, "podman", "", MadeBy::user},
        Case{kRootless + "/docker-" + kId + ".scope", kId, "docker", "", MadeBy::user},
        // a container in a container: the inner one is where the process is
        Case{"/docker/" + kOther + "/docker/" + kId, kId, "docker", "", MadeBy::container},
        Case{"/lxc/web/docker/" + kId, kId, "docker", "", MadeBy::container}));

// Whoever may make cgroups below the own one can give them any name, and must not become another pod by it.
INSTANTIATE_TEST_SUITE_P(
    Hostile, ContainerIdTest,
    testing::Values(
        Case{kPodSlice + "/cri-containerd-" + kId + ".scope/kubepods/pod" + kOtherUid + "/" + kOther, kId, "containerd",
             kUid},
        Case{kPodSlice + "/cri-containerd-" + kId + ".scope/crio-" + kOther + ".scope", kId, "containerd", kUid},
        Case{kRootless + "/kubepods.slice/kubepods-pod" + kUidOfUnit + ".slice/cri-containerd-" + kId + ".scope", kId,
             "containerd", "", MadeBy::user},
        Case{"/docker/" + kOther + "/pod" + kUid + "/" + kId, kId, "", "", MadeBy::container},
        Case{"/docker/" + kId + "/" + std::string(70'000, 'x') + "/" + std::string(300, ':') + "//../..", kId,
             "docker"}));

TEST(ContainerIdTest, IsNotSeenWhereThereIsNone) {
    for (const std::string& path : std::vector<std::string>{"",
                                                            "/",
                                                            "/..",
                                                            ":",
                                                            ".slice:",
                                                            "/user.slice/user-0.slice/session-1.scope",
                                                            "/system.slice/nginx.service",
                                                            "/docker/short",
                                                            "/docker/buildx",
                                                            "/kubepods.slice/kubepods-podnot_a_uid.slice",
                                                            "/system.slice/podman.service",
                                                            "/pod" + kUid,
                                                            "/lxc.monitor.web",
                                                            "/lxc",
                                                            "/lxc.payload.",
                                                            "/system.slice/crio-conmon-" + kId + ".scope",
                                                            "/machine.slice/libpod-conmon-" + kId + ".scope",
                                                            "/docker/" + std::string(64, 'A'),
                                                            "/docker/" + kId + "0",
                                                            "/docker/" + kId.substr(1),
                                                            "/kubepods/pod0b1c2d3e_4f50-6172-8394-a5b6c7d8e9f0",
                                                            "/systemd-nspawn@.service"}) {
        EXPECT_FALSE(names_of_cgroup(path).has_value()) << path;
    }
}

TEST(ContainerIdTest, AnyBytesAreReadWithoutHarm) {
    std::mt19937 random(7);
    const std::vector<std::string> words{"/",       ":",   ".slice",   ".scope",     "pod",
                                         kUid,      kId,   "kubepods", "docker",     "..",
                                         ".slice:", "lxc", "-",        "user.slice", kUidOfUnit};
    int named = 0, of_users = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string path = round % 8 == 0 ? "" : round % 8 == 1 ? "/user.slice/" : "/";
        for (unsigned i = random() % 12; i > 0; --i)
            path += words[random() % words.size()];
        const auto names = names_of_cgroup(path);
        if (names) {
            EXPECT_TRUE(!names->container_id.empty() || !names->pod_uid.empty()) << path;
        }
        if (path.starts_with("/user.slice/")) {
            ++of_users;
            EXPECT_TRUE(!names || names->pod_uid.empty()) << path;
        }
        named += names ? 1 : 0;
    }
    EXPECT_GT(named, 20'000 / 50);
    EXPECT_GT(of_users, 20'000 / 50);
}

TEST(SystemdUnitTest, IsTheServiceOfTheSystem) {
    EXPECT_EQ(systemd_unit_of_cgroup("/system.slice/nginx.service"), "nginx.service");
    EXPECT_EQ(systemd_unit_of_cgroup("/system.slice/system-postgresql.slice/postgresql@14-main.service"),
              "postgresql@14-main.service");
    EXPECT_EQ(systemd_unit_of_cgroup("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service"),
              "user@1000.service");
    EXPECT_EQ(systemd_unit_of_cgroup("/system.slice/foo.service/payload/x"), "foo.service");
    EXPECT_EQ(systemd_unit_of_cgroup("/user.slice/user-1000.slice/session-3.scope"), "");
    EXPECT_EQ(systemd_unit_of_cgroup("/"), "");
    EXPECT_EQ(systemd_unit_of_cgroup("/.service"), "");
}

TEST(CgroupOfProcTest, IsTheOneThatTellsMost) {
    const std::string docker = "/docker/" + kId;
    // cgroup2 alone
    EXPECT_EQ(cgroup_of_proc("0::/system.slice/nginx.service\n"), "/system.slice/nginx.service");
    // version 1 alone
    EXPECT_EQ(cgroup_of_proc("12:cpuset:" + docker + "\n2:memory:" + docker + "\n1:name=systemd:" + docker + "\n"),
              docker);
    // hybrid, everything at the unified hierarchy's root
    EXPECT_EQ(cgroup_of_proc("4:memory:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-2.scope\n0::/\n"),
              "/user.slice/user-0.slice/session-2.scope");
    // hybrid with a cgroupfs driver: the unified hierarchy shows the daemon that started it
    EXPECT_EQ(
        cgroup_of_proc("4:memory:" + docker + "\n1:name=systemd:" + docker + "\n0::/system.slice/containerd.service\n"),
        docker);
    // the pod is known to one hierarchy only
    EXPECT_EQ(cgroup_of_proc("9:pids:" + kPodSlice + "\n4:memory:" + kPodSlice + "/cri-containerd-" + kId +
                             ".scope\n0::" + docker),
              kPodSlice + "/cri-containerd-" + kId + ".scope");
    // a path with colons
    EXPECT_EQ(cgroup_of_proc("0::/a:b:c\n"), "/a:b:c");
    // nothing
    EXPECT_EQ(cgroup_of_proc(""), "");
    EXPECT_EQ(cgroup_of_proc("0:\n:\n\n"), "");
    EXPECT_EQ(cgroup_of_proc("0::/\n"), "/");
}

TEST(BetterCgroupTest, IsTheOneThatNamesMore) {
    EXPECT_EQ(better_cgroup("/", "/docker/" + kId), "/docker/" + kId);
    EXPECT_EQ(better_cgroup("/system.slice/" + std::string(100, 'x') + ".service", "/docker/" + kId), "/docker/" + kId);
    EXPECT_EQ(better_cgroup("/docker/" + kId, "/a/very/long/path/" + std::string(100, 'x')), "/docker/" + kId);
    EXPECT_EQ(better_cgroup("/a", "/a/b"), "/a/b");
    EXPECT_EQ(better_cgroup("", "/"), "/");
    const std::string pod = "/kubepods/pod" + kUid + "/" + kId;
    EXPECT_EQ(better_cgroup(pod, "/kubepods/burstable/pod" + kOtherUid + "/" + kId), pod);
    // The end of a name is missing, its beginning and what is above it are not.
    const auto shortened = names_of_cgroup("/system.slice/containerd.service/kubepods-besteffort-pod" + kUidOfUnit +
                                           ".slice:cri-containerd:" + kId.substr(0, 30) + "...");
    ASSERT_TRUE(shortened);
    EXPECT_EQ(shortened->pod_uid, kUid);
    EXPECT_EQ(shortened->container_id, "");
}

TEST(BetterCgroupTest, IsTheWholeOneAndNotWhatACgroupNamespaceShowsOfIt) {
    const std::string whole = "/kubepods/burstable/pod" + kUid + "/" + kId;
    EXPECT_EQ(better_cgroup(whole, "/../../../../kubepods/burstable/pod" + kUid + "/" + kId), whole);
    EXPECT_EQ(better_cgroup(whole, "/../../pod" + kUid + "/" + kId), whole);
    EXPECT_EQ(better_cgroup(whole, "/../.."), whole);
    // Seen in whole it is no pod of a kubelet's.
    EXPECT_EQ(better_cgroup("/mine/pod" + kUid + "/" + kId, "/../pod" + kUid + "/" + kId),
              "/mine/pod" + kUid + "/" + kId);
    // another one, and one of which the kernel's programs have kept the end only
    EXPECT_EQ(better_cgroup("/a", "/../pod" + kUid), "/../pod" + kUid);
    EXPECT_EQ(better_cgroup("..." + whole, "/../.." + whole), "/../.." + whole);
}

TEST(ContainerIdTest, APathWithoutItsBeginningTellsNothing) {
    // The pod that counts is the outermost, which may be what is missing.
    EXPECT_FALSE(names_of_cgroup(".../kubepods/burstable/pod" + kUid + "/" + kId));
    EXPECT_FALSE(names_of_cgroup(".../docker/" + kId));
    EXPECT_EQ(systemd_unit_of_cgroup(".../nginx.service"), "");
}

}  // namespace
}  // namespace llmsnoop::attribution
