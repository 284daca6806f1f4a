#include "agent/attribution/bundle.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsnoop::attribution {
namespace {

TEST(BundleTest, ContainerdNamesContainerAndPod) {
    const auto facts = read_oci_config(R"({"ociVersion": "1.1.0", "process": {"env": ["KEY=secret"]}, "annotations": {
        "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.image-name": "registry.example/app:1", "io.kubernetes.cri.sandbox-id": "5d",
        "io.kubernetes.cri.sandbox-name": "app-7c9", "io.kubernetes.cri.sandbox-namespace": "prod",
        "io.kubernetes.cri.sandbox-uid": "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"}})");
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"containerd", "app", "registry.example/app:1",
                                   "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0", "prod", "app-7c9", "app"}));
}

TEST(BundleTest, ContainerdsSandboxHasNoContainerName) {
    const auto facts = read_oci_config(R"({"annotations": {"io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-name": "p", "io.kubernetes.cri.sandbox-namespace": "n",
        "io.kubernetes.cri.sandbox-uid": "u"}})");
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"containerd", "", "", "u", "n", "p", ""}));
}

TEST(BundleTest, CrioNamesContainerAndPod) {
    const auto facts = read_oci_config(R"({"annotations": {"io.kubernetes.cri-o.ContainerType": "container",
        "io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "app-7c9", "io.kubernetes.pod.uid": "u",
        "io.kubernetes.pod.namespace": "prod", "io.kubernetes.cri-o.ImageName": "registry.example/app:1",
        "io.kubernetes.cri-o.Image": "sha256:1"}})");
    ASSERT_TRUE(facts);
    EXPECT_EQ(*facts, (BundleFacts{"cri-o", "app", "registry.example/app:1", "u", "prod", "app-7c9", "app"}));
    const auto sandbox = read_oci_config(R"({"annotations": {"io.kubernetes.cri-o.ContainerType": "sandbox",
        "io.kubernetes.container.name": "POD", "io.kubernetes.pod.name": "p", "io.kubernetes.pod.uid": "u",
        "io.kubernetes.pod.namespace": "n"}})");
    ASSERT_TRUE(sandbox);
    EXPECT_EQ(*sandbox, (BundleFacts{"cri-o", "", "", "u", "n", "p", ""}));
}

TEST(BundleTest, OthersAnnotationsGiveNoNames) {
    EXPECT_EQ(read_oci_config(R"({"annotations": {"io.kubernetes.pod.name": "p"}})"), BundleFacts{});
    EXPECT_EQ(read_oci_config(R"({})"), BundleFacts{});
    EXPECT_EQ(read_oci_config(R"({"annotations": ["io.kubernetes.cri.container-type"]})"), BundleFacts{});
    EXPECT_EQ(read_oci_config(R"({"annotations": {"nerdctl/name": "web"}})")->name, "web");
}

TEST(BundleTest, DockerNamesTheContainerAndForAKubeletThePod) {
    const auto alone = read_docker_config(
        R"({"ID": "3f", "Name": "/web", "Config": {"Image": "nginx:1", "Env": ["KEY=secret"], "Labels": {}}})");
    ASSERT_TRUE(alone);
    EXPECT_EQ(*alone, (BundleFacts{"docker", "web", "nginx:1", "", "", "", ""}));
    const auto pod =
        read_docker_config(R"({"Name": "/k8s_app_app-7c9_prod_u_0", "Config": {"Image": "sha256:1", "Labels":
        {"io.kubernetes.container.name": "app", "io.kubernetes.docker.type": "container", "io.kubernetes.pod.name":
        "app-7c9", "io.kubernetes.pod.namespace": "prod", "io.kubernetes.pod.uid": "u"}}})");
    ASSERT_TRUE(pod);
    EXPECT_EQ(*pod, (BundleFacts{"docker", "k8s_app_app-7c9_prod_u_0", "sha256:1", "u", "prod", "app-7c9", "app"}));
}

TEST(BundleTest, PodmanKeepsNamesInItsStorage) {
    const std::string list = R"([{"id": "a1", "names": ["db"], "metadata": "{\"image-name\":\"docker.io/db:2\"}"},
        {"id": "b2", "names": ["web", "alias"], "metadata": "no JSON"}, {"id": "c3"}])";
    EXPECT_EQ(read_storage_list(list, "a1"), (BundleFacts{"podman", "db", "docker.io/db:2", "", "", "", ""}));
    EXPECT_EQ(read_storage_list(list, "b2"), (BundleFacts{"podman", "web", "", "", "", "", ""}));
    EXPECT_EQ(read_storage_list(list, "c3"), (BundleFacts{"podman", "", "", "", "", "", ""}));
    EXPECT_FALSE(read_storage_list(list, "d4"));
}

TEST(BundleTest, WhatIsNoBundleIsRefused) {
    for (const std::string& text :
         {std::string(), std::string("["), std::string("{"), std::string("null"), std::string("[1]"),
          std::string("\"annotations\""), std::string("{\"annotations\": {\"a\": \"\xff\"}}"),
          std::string(1'000'000, '['), "{\"annotations\":" + std::string(1'000'000, '['),
          std::string(kMaxBundleBytes + 1, ' '), "{\"a\": \"" + std::string(kMaxBundleBytes, 'x') + "\"}"}) {
        EXPECT_FALSE(read_oci_config(text)) << text.substr(0, 40);
        EXPECT_FALSE(read_docker_config(text)) << text.substr(0, 40);
    }
    EXPECT_FALSE(read_storage_list("{}", "a"));
    EXPECT_FALSE(read_storage_list("[", "a"));
}

TEST(BundleTest, DeepNestingIsReadWithoutRecursion) {
    const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
    EXPECT_TRUE(read_oci_config("{\"annotations\": {\"a\": " + deep + "}, \"b\": " + deep + "}"));
}

TEST(BundleTest, NamesThatAreTooLongOrNoTextsAreUnknown) {
    const auto facts = read_oci_config(R"({"annotations": {"io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.container-name": 7, "io.kubernetes.cri.sandbox-name": ")" +
                                       std::string(kMaxBundleName + 1, 'x') + R"("}})");
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->name, "");
    EXPECT_EQ(facts->pod_name, "");
}

}  // namespace
}  // namespace llmsnoop::attribution
