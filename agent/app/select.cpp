#include "agent/app/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "agent/app/host_roots.h"
#include "agent/attribution/bundles.h"
#include "agent/attribution/container_id.h"
#include "agent/attribution/host_files.h"

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

// What the files of the runtimes and the kubelet on this host say, read once for a selection.
class HostNames {
 public:
    explicit HostNames(std::vector<std::string> roots) : roots_(std::move(roots)) {}

    // Of the containers of that name the ids.
    std::set<std::string> ids_of_container(const std::string& name) {
        std::set<std::string> out;
        for (const auto& one : bundles()) {
            if (!name.empty() && one.facts.name == name) out.insert(one.container_id);
        }
        return out;
    }

    // The kubelet keeps a directory /var/log/pods/NAMESPACE_NAME_UID for each pod of the node.
    std::set<std::string> uids_of_pod(const std::string& namespace_name, const std::string& name) const {
        std::set<std::string> out;
        const std::string prefix = namespace_name + "_" + name + "_";
        for (const std::string& root : roots_) {
            for (const std::string& one : attribution::list_below(root, "var/log/pods", kMaxPodLogs)) {
                if (one.starts_with(prefix)) out.insert(one.substr(prefix.size()));
            }
        }
        return out;
    }

    // Container and pod uid, as the bundles of that pod's containers have them.
    std::set<std::pair<std::string, std::string>> containers_of_pod(const std::string& namespace_name,
                                                                    const std::string& name) {
        std::set<std::pair<std::string, std::string>> out;
        for (const auto& [id, facts] : bundles()) {
            if (facts.pod_namespace == namespace_name && facts.pod_name == name && !facts.pod_uid.empty())
                out.emplace(id, facts.pod_uid);
        }
        return out;
    }

 private:
    static constexpr std::size_t kMaxPodLogs = 16384;

    const std::vector<attribution::Bundles::Named>& bundles() {
        if (!bundles_) bundles_ = attribution::Bundles(roots_).all();
        return *bundles_;
    }

    const std::vector<std::string> roots_;
    std::optional<std::vector<attribution::Bundles::Named>> bundles_;
};

// By the beginning of its id, or by its name: then all containers of that name.
Result<void> add_container(const std::string& mount, const std::string& given, HostNames& host, Selection& out) {
    std::set<std::string> ids;  // a container may have cgroups of its own below its cgroup
    std::vector<std::string> found = cgroups_where(mount, [&](const std::string& path) {
        const auto names = attribution::names_of_cgroup(path);
        if (!names || given.empty() || names->container_id.rfind(given, 0) != 0) return false;
        ids.insert(names->container_id);
        return true;
    });
    if (ids.size() > 1) return usage(fmt::format("container '{}': {} containers begin like that", given, ids.size()));
    if (const auto named = found.empty() ? host.ids_of_container(given) : std::set<std::string>(); !named.empty()) {
        found = cgroups_where(mount, [&](const std::string& path) {
            const auto names = attribution::names_of_cgroup(path);
            return names && names->made_by == attribution::CgroupNames::MadeBy::system &&
                   named.contains(names->container_id);
        });
    }
    if (found.empty()) return usage("container '" + given + "': no cgroup of that id or name below " + mount);
    out.cgroups.insert(out.cgroups.end(), found.begin(), found.end());
    return {};
}

Result<void> add_pod(const std::string& mount, const std::string& pod, HostNames& host, Selection& out) {
    const std::size_t slash = pod.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == pod.size())
        return usage("pod '" + pod + "': NAMESPACE/NAME is wanted");
    const std::string namespace_name = pod.substr(0, slash);
    const std::string name = pod.substr(slash + 1);
    std::set<std::string> uids = host.uids_of_pod(namespace_name, name);
    // A bundle's word for the pod's uid counts only where the container runs below that pod's cgroup.
    if (const auto pairs = host.containers_of_pod(namespace_name, name); !pairs.empty()) {
        cgroups_where(mount, [&](const std::string& path) {
            const auto names = attribution::names_of_cgroup(path);
            const bool holds = names && pairs.contains({names->container_id, names->pod_uid});
            if (holds) uids.insert(names->pod_uid);
            return holds;
        });
    }
    const std::vector<std::string> found = cgroups_where(mount, [&](const std::string& path) {
        const auto names = attribution::names_of_cgroup(path);
        return names && uids.contains(names->pod_uid);
    });
    if (found.empty()) return usage("pod '" + pod + "': no such pod on this node");
    out.cgroups.insert(out.cgroups.end(), found.begin(), found.end());
    return {};
}

}  // namespace

Result<Selection> make_selection(const Config& config) {
    const Config::Select& select = config.select;
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
    HostNames host(host_roots(config));
    for (const std::string& given : select.containers) {
        if (auto added = add_container(*mount, given, host, out); !added) return added.error();
    }
    for (const std::string& pod : select.pods) {
        if (auto added = add_pod(*mount, pod, host, out); !added) return added.error();
    }
    return out;
}

}  // namespace llmsnoop::app
