#pragma once
// What a cgroup path says about the container and the pod. Pure functions over the naming schemes of systemd and
// cgroupfs drivers: docker, containerd (CRI), cri-o, podman, kubelet's kubepods tree, ECS, garden.
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::attribution {

struct CgroupNames {
    std::string container_id;  // 64 hexadecimal digits, or what the runtime uses
    std::string runtime;       // docker, containerd, cri-o, podman; empty where the path does not tell
    std::string pod_uid;       // with dashes, as the Kubernetes API shows it
};

// Nothing if the path names neither a container nor a pod.
std::optional<CgroupNames> names_of_cgroup(std::string_view path);

}  // namespace llmsnoop::attribution
