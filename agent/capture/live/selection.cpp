#include "agent/capture/live/selection.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "agent/capture/live/procfs.h"

namespace llmsnoop::capture::live {

namespace {

constexpr unsigned kMaxAncestors = 256;  // a chain longer than this is a loop made of reused pids

template <typename List, typename Value>
bool contains(const List& list, const Value& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

bool in_cgroups(const std::vector<std::string>& directories, std::uint32_t pid) {
    const auto mount = cgroup2_mount();
    const auto path = read_cgroup2(pid);
    if (!mount || !path) return false;
    const std::string full = *mount + *path;
    return std::any_of(directories.begin(), directories.end(), [&](const std::string& directory) {
        return full == directory || full.rfind(directory + "/", 0) == 0;
    });
}

}  // namespace

bool matches(const Selection& selection, std::uint32_t pid) {
    const auto stat = read_stat(pid);
    if (!stat || pid == static_cast<std::uint32_t>(getpid())) return false;
    if (!selection.pids.empty() && !contains(selection.pids, pid)) return false;
    if (!selection.comms.empty() && !contains(selection.comms, stat->comm)) return false;
    if (!selection.uids.empty()) {
        const auto uid = read_uid(pid);
        if (!uid || !contains(selection.uids, *uid)) return false;
    }
    if (!selection.exes.empty()) {
        const auto exe = read_exe(pid);
        if (!exe || !contains(selection.exes, *exe)) return false;
    }
    return selection.cgroups.empty() || in_cgroups(selection.cgroups, pid);
}

bool matches_with_ancestors(const Selection& selection, std::uint32_t pid) {
    for (unsigned i = 0; pid != 0 && i < kMaxAncestors; ++i) {
        if (matches(selection, pid)) return true;
        const auto stat = read_stat(pid);
        if (!selection.with_children || !stat) return false;
        pid = stat->ppid;
    }
    return false;
}

std::vector<std::uint32_t> selected_processes(const Selection& selection) {
    std::vector<std::uint32_t> out = running_processes();
    std::erase_if(out, [&](std::uint32_t pid) {
        return pid == static_cast<std::uint32_t>(getpid()) || !matches_with_ancestors(selection, pid);
    });
    return out;
}

base::Result<std::string> cgroup2_mount() {
    std::ifstream in("/proc/self/mounts");
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string device, directory, type;
        if (fields >> device >> directory >> type && type == "cgroup2") return directory;
    }
    return base::error("no cgroup2 file system is mounted", base::Error::Kind::unsupported);
}

}  // namespace llmsnoop::capture::live
