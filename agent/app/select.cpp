#include "agent/app/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <set>

#include "agent/attribution/container_id.h"

namespace llmsnoop::app {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Result;
using capture::live::Selection;

Error usage(std::string message) {
    return base::error(std::move(message), Error::Kind::usage);
}

Result<std::vector<std::uint32_t>> numbers(const std::vector<std::string>& texts, const char* what) {
    std::vector<std::uint32_t> out;
    for (const std::string& text : texts) {
        std::uint32_t number = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (problem != std::errc() || end != text.data() + text.size())
            return usage(fmt::format("'{}' is no {}", text, what));
        out.push_back(number);
    }
    return out;
}

// The directories of the cgroup2 tree whose path satisfies `wanted`, without those below another one.
std::vector<std::string> cgroups_where(const std::string& mount,
                                       const std::function<bool(const std::string&)>& wanted) {
    std::vector<std::string> out;
    std::error_code problem;
    fs::recursive_directory_iterator at(mount, fs::directory_options::skip_permission_denied, problem);
    for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
        std::error_code ignored;
        if (!at->is_directory(ignored)) continue;
        const std::string path = at->path().string();
        if (!wanted(path.substr(mount.size()))) continue;
        out.push_back(path);
        at.disable_recursion_pending();
    }
    return out;
}

Result<std::string> cgroup_directory(const std::string& mount, const std::string& given) {
    std::string path = given;
    if (path.empty() || path[0] != '/') return usage("cgroup '" + given + "': an absolute path is wanted");
    if (path.rfind(mount, 0) != 0) path = mount + path;  // as /proc/PID/cgroup shows it
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    std::error_code problem;
    if (!fs::is_directory(path, problem)) return usage("cgroup '" + given + "': there is no directory " + path);
    return path;
}

Result<void> add_container(const std::string& mount, const std::string& id, Selection& out) {
    std::set<std::string> ids;  // a container may have cgroups of its own below its cgroup
    std::vector<std::string> found = cgroups_where(mount, [&](const std::string& path) {
        const auto names = attribution::names_of_cgroup(path);
        if (!names || id.empty() || names->container_id.rfind(id, 0) != 0) return false;
        ids.insert(names->container_id);
        return true;
    });
    if (found.empty()) return usage("container '" + id + "': no cgroup of that id below " + mount);
    if (ids.size() > 1) return usage(fmt::format("container '{}': {} containers begin like that", id, ids.size()));
    out.cgroups.insert(out.cgroups.end(), found.begin(), found.end());
    return {};
}

// The kubelet keeps a directory /var/log/pods/NAMESPACE_NAME_UID for each pod of the node.
Result<void> add_pod(const std::string& mount, const std::string& pod, Selection& out) {
    const std::size_t slash = pod.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == pod.size())
        return usage("pod '" + pod + "': NAMESPACE/NAME is wanted");
    const std::string prefix = pod.substr(0, slash) + "_" + pod.substr(slash + 1) + "_";
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator("/var/log/pods", problem)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind(prefix, 0) != 0) continue;
        const std::string uid = name.substr(prefix.size());
        std::vector<std::string> found = cgroups_where(mount, [&](const std::string& path) {
            const auto names = attribution::names_of_cgroup(path);
            return names && names->pod_uid == uid;
        });
        out.cgroups.insert(out.cgroups.end(), found.begin(), found.end());
        if (!found.empty()) return {};
    }
    return usage("pod '" + pod + "': no such pod on this node");
}

}  // namespace

Result<Selection> make_selection(const Config::Select& select) {
    Selection out;
    const auto pids = numbers(select.pids, "process id");
    if (!pids) return pids.error();
    const auto uids = numbers(select.uids, "user id");
    if (!uids) return uids.error();
    out.pids = *pids;
    out.uids = *uids;
    out.comms = select.comms;
    out.with_children = select.children;
    for (const std::string& exe : select.exes) {
        std::error_code problem;
        const fs::path real = fs::canonical(exe, problem);
        if (problem) return usage("executable '" + exe + "': " + problem.message());
        out.exes.push_back(real.string());
    }
    if (select.cgroups.empty() && select.containers.empty() && select.pods.empty()) return out;

    const auto mount = capture::live::cgroup2_mount();
    if (!mount) return mount.error();
    for (const std::string& given : select.cgroups) {
        auto path = cgroup_directory(*mount, given);
        if (!path) return path.error();
        out.cgroups.push_back(*path);
    }
    for (const std::string& id : select.containers) {
        if (auto added = add_container(*mount, id, out); !added) return added.error();
    }
    for (const std::string& pod : select.pods) {
        if (auto added = add_pod(*mount, pod, out); !added) return added.error();
    }
    return out;
}

}  // namespace llmsnoop::app
