#include "agent/attribution/container_id.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsnoop::attribution {
namespace {

const std::string kId = "3f4e0a9d1b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6";
const std::string kUid = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";
const std::string kUidOfUnit = "0b1c2d3e_4f50_6172_8394_a5b6c7d8e9f0";

struct Case {
    std::string path;
    std::string id;
    std::string runtime;
    std::string pod;
};

class ContainerIdTest : public testing::TestWithParam<Case> {};

TEST_P(ContainerIdTest, IsReadFromThePath) {
    const auto names = names_of_cgroup(GetParam().path);
    ASSERT_TRUE(names.has_value());
    EXPECT_EQ(names->container_id, GetParam().id);
    EXPECT_EQ(names->runtime, GetParam().runtime);
    EXPECT_EQ(names->pod_uid, GetParam().pod);
}

INSTANTIATE_TEST_SUITE_P(
    Schemes, ContainerIdTest,
    testing::Values(Case{"/docker/" + kId, kId, "docker", ""},
                    Case{"/system.slice/docker-" + kId + ".scope", kId, "docker", ""},
                    Case{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope/container",
                         kId, "podman", ""},
                    Case{"/libpod_parent/" + kId, kId, "podman", ""},
                    Case{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidOfUnit +
                             ".slice/cri-containerd-" + kId + ".scope",
                         kId, "containerd", kUid},
                    Case{"/kubepods.slice/kubepods-pod" + kUidOfUnit + ".slice/crio-" + kId + ".scope", kId, "cri-o",
                         kUid},
                    Case{"/kubepods/besteffort/pod" + kUid + "/" + kId, kId, "", kUid},
                    Case{"/kubepods/pod" + std::string(32, 'a') + "/" + kId, kId, "", std::string(32, 'a')},
                    Case{"/kubepods/burstable/pod" + kUid, "", "", kUid},
                    // A container in a container: the inner one is where the process is.
                    Case{"/docker/" + std::string(64, 'b') + "/docker/" + kId, kId, "docker", ""},
                    Case{"/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-2894371",
                         "0123456789abcdef0123456789abcdef-2894371", "", ""}));

TEST(ContainerIdTest, IsNotSeenWhereThereIsNone) {
    for (const char* path :
         {"", "/", "/user.slice/user-0.slice/session-1.scope", "/system.slice/nginx.service", "/docker/short",
          "/kubepods.slice/kubepods-podnot_a_uid.slice", "/system.slice/podman.service"}) {
        EXPECT_FALSE(names_of_cgroup(path).has_value()) << path;
    }
}

}  // namespace
}  // namespace llmsnoop::attribution
