#pragma once
// Who a process is. `ProcessKey` is the identity that survives reuse of pids; the rest are facts about it.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/clock.h"

namespace llmsnoop::model {

struct ProcessKey {
    std::uint32_t pid = 0;            // thread-group id, in the agent's pid namespace
    std::uint64_t start_boot_ns = 0;  // start of the group leader, CLOCK_BOOTTIME

    friend bool operator==(const ProcessKey&, const ProcessKey&) = default;
    friend auto operator<=>(const ProcessKey&, const ProcessKey&) = default;
};

// Absent means unknown: a process can end before /proc is read.
struct Process {
    ProcessKey key;
    std::optional<std::uint32_t> ppid;
    std::string comm;  // of the group leader
    std::string exe;
    std::optional<std::uint32_t> uid;
    std::optional<base::Time> start_time;
    std::string cgroup;  // path in the unified (or systemd) hierarchy
    std::optional<std::uint64_t> cgroup_id;
    std::string args_sha256;  // of the NUL-separated command line; the text itself may hold keys

    friend bool operator==(const Process&, const Process&) = default;
};

struct Container {
    std::string id;       // 64 hexadecimal digits, or what the runtime uses
    std::string runtime;  // docker, containerd, cri-o, podman, ...; empty: unknown
    std::string name;
    std::string image;

    friend bool operator==(const Container&, const Container&) = default;
};

struct Pod {
    std::string namespace_name;
    std::string name;
    std::string uid;
    std::string container;
    std::string node;
    std::string workload_kind;
    std::string workload_name;
    std::map<std::string, std::string> labels = {};  // the pod's labels and annotations that are configured to be told

    friend bool operator==(const Pod&, const Pod&) = default;
};

struct Identity {
    Process process;
    std::optional<Container> container;
    std::optional<Pod> pod;
    std::string systemd_unit = {};  // outside containers: the service that the process belongs to

    friend bool operator==(const Identity&, const Identity&) = default;
};

}  // namespace llmsnoop::model
