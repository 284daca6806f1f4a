#pragma once
// What a cgroup path says about the container, the pod and the systemd unit of a process. Pure functions over the names
// that runtimes, kubelets (systemd and cgroupfs drivers, every QoS class, below any prefix) and systemd give to
// cgroups: Docker, containerd, CRI-O, Podman, nerdctl, LXC, systemd-nspawn, ECS, Garden.
//
// A path is written from the outside to the inside, and whoever runs inside a cgroup may have been given the right to
// make more below it, of any name. What the host's own daemons made stands first. So of several pods in a path the
// first is the pod, and the container is the first one below that pod; and no pod is believed below user.slice, where
// every user makes cgroups. Only without a pod the innermost container counts, and `made_by` tells who made it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::attribution {

struct CgroupNames {
    enum class MadeBy : std::uint8_t {
        system,     // the host's daemons
        user,       // a user's own (rootless) runtime, or whatever else that user runs
        container,  // something in another container
    };

    std::string container_id;  // 64 hexadecimal digits, or what the runtime uses
    std::string runtime;       // docker, containerd, cri-o, podman, lxc ...; empty where the path does not tell
    std::string pod_uid;       // with dashes, as the Kubernetes API shows it
    MadeBy made_by = MadeBy::system;
    std::optional<std::uint32_t> user = {};  // in whose slice it lies: of what a user made

    friend bool operator==(const CgroupNames&, const CgroupNames&) = default;
};

// Nothing if the path names neither a container nor a pod.
std::optional<CgroupNames> names_of_cgroup(std::string_view path);

// The service of the system's manager that the path lies in ("nginx.service", "user@1000.service"); empty if it lies in
// none, or in a container or pod. Scopes are no services: each login has one.
std::string systemd_unit_of_cgroup(std::string_view path);

// Of the lines of /proc/PID/cgroup ("4:memory:/path", "0::/path") the path that tells most. In a hybrid layout a
// container can have a cgroup in the controllers' hierarchies only, while the unified one shows its daemon's.
std::string cgroup_of_proc(std::string_view lines);

// Of two paths of one process the one that tells more, `known` if neither does, if the other is what is seen of it in a
// cgroup namespace, or if they name different pods.
std::string better_cgroup(const std::string& known, const std::string& other);

}  // namespace llmsnoop::attribution
