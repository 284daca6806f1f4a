#pragma once
// Which processes are traced. Of one kind, any entry suffices; of several kinds, all must match. Nothing selected: the
// whole node, the agent excepted.
//
// The kernel programs decide by the same rules (bpf/lib/filter.bpf.h); this user-space form is for choosing which files
// to probe and for telling the kernel about processes that were running before. Thread-safe (const).
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::capture::live {

struct Selection {
    std::vector<std::uint32_t> pids;
    std::vector<std::string> cgroups;  // directories below a cgroup2 mount, absolute
    std::vector<std::string> comms;
    std::vector<std::string> exes;  // absolute paths
    std::vector<std::uint32_t> uids;
    bool with_children = true;

    bool everything() const { return pids.empty() && cgroups.empty() && comms.empty() && exes.empty() && uids.empty(); }
};

// Does the process match by itself, as it is now? False for one that is gone.
bool matches(const Selection& selection, std::uint32_t pid);

// Does it match, or (with_children) does an ancestor?
bool matches_with_ancestors(const Selection& selection, std::uint32_t pid);

// All running processes that are selected, the agent excepted.
std::vector<std::uint32_t> selected_processes(const Selection& selection);

// The directory of the first cgroup2 mount, for example /sys/fs/cgroup or /sys/fs/cgroup/unified.
base::Result<std::string> cgroup2_mount();

}  // namespace llmsnoop::capture::live
