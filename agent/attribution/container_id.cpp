#include "agent/attribution/container_id.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace llmsnoop::attribution {

namespace {

using MadeBy = CgroupNames::MadeBy;

constexpr std::size_t kMaxName = 255;  // NAME_MAX: no directory of the cgroup file system has a longer one

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool all_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_hex);
}

bool is_container_id(std::string_view text) {
    return text.size() == 64 && all_hex(text);
}

// Groups of lower-case hexadecimal digits of these lengths, with a dash (or, in unit names, '_') between them.
template <std::size_t kGroups>
bool is_grouped_hex(std::string_view text, const std::array<std::size_t, kGroups>& lengths, char dash) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < kGroups; ++i) {
        if (i > 0 && (at >= text.size() || text[at++] != dash)) return false;
        if (text.size() - at < lengths[i] || !all_hex(text.substr(at, lengths[i]))) return false;
        at += lengths[i];
    }
    return at == text.size();
}

// A UUID; systemd's slices have '_' for its dashes, because '-' divides slices. A static pod's is 32 digits without
// any.
std::optional<std::string> pod_uid(std::string_view text) {
    constexpr std::array<std::size_t, 5> kUuid{8, 4, 4, 4, 12};
    if (text.size() == 32 && all_hex(text)) return std::string(text);
    if (!is_grouped_hex(text, kUuid, '-') && !is_grouped_hex(text, kUuid, '_')) return std::nullopt;
    std::string out(text);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

bool ends_with(std::string_view text, std::string_view suffix) {
    return text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

std::string_view without(std::string_view text, std::string_view suffix) {
    return ends_with(text, suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

struct Scheme {
    std::string_view prefix;
    std::string_view runtime;
};
// Before an id of 64 digits. The monitors' own cgroups ("crio-conmon-ID", "libpod-conmon-ID") are none of them.
constexpr std::array<Scheme, 7> kScopes{{{"docker-", "docker"},
                                         {"cri-containerd-", "containerd"},
                                         {"crio-", "cri-o"},
                                         {"libpod-", "podman"},
                                         {"libpod-payload-", "podman"},
                                         {"containerd-", "containerd"},
                                         {"nerdctl-", "containerd"}}};
// The directory (or the middle word of "SLICE:NAME:ID") above an id of 64 digits.
constexpr std::array<Scheme, 4> kParents{
    {{"docker", "docker"}, {"libpod_parent", "podman"}, {"cri-containerd", "containerd"}, {"crio", "cri-o"}}};

struct ContainerName {
    std::string_view id;
    std::string_view runtime;
};

std::optional<ContainerName> prefixed(std::string_view name) {
    for (const Scheme& scheme : kScopes) {
        if (name.substr(0, scheme.prefix.size()) != scheme.prefix) continue;
        const std::string_view id = name.substr(scheme.prefix.size());
        if (is_container_id(id)) return ContainerName{id, scheme.runtime};
    }
    return std::nullopt;
}

// LXC names its containers as it likes: "/lxc/NAME", "/lxc.payload/NAME", "/lxc.payload.NAME". Its monitor runs in
// "/lxc.monitor.NAME".
std::optional<ContainerName> of_lxc(std::string_view component, std::string_view parent) {
    constexpr std::string_view kPayload = "lxc.payload.";
    if (component.substr(0, kPayload.size()) == kPayload && component.size() > kPayload.size())
        return ContainerName{component.substr(kPayload.size()), "lxc"};
    if (parent == "lxc" || parent == "lxc.payload") return ContainerName{component, "lxc"};
    return std::nullopt;
}

std::optional<ContainerName> of_nspawn(std::string_view component) {
    constexpr std::string_view kUnit = "systemd-nspawn@";
    if (component.substr(0, kUnit.size()) != kUnit || !ends_with(component, ".service")) return std::nullopt;
    const std::string_view name = without(component.substr(kUnit.size()), ".service");
    if (name == ".service") return std::nullopt;
    return ContainerName{name, "systemd-nspawn"};
}

// One component that may name a container: "docker-ID.scope", "ID", "ID.scope".
std::optional<ContainerName> container_of(std::string_view component, std::string_view parent) {
    const std::string_view name = without(component, ".scope");
    if (const auto found = prefixed(name)) return found;
    if (is_container_id(name)) {
        for (const Scheme& scheme : kParents) {
            if (parent == scheme.prefix) return ContainerName{name, scheme.runtime};
        }
        return ContainerName{name, {}};
    }
    // ECS: "/ecs/TASK/TASKHEX-NUMBER", an id of 32 digits, a dash, and digits.
    const std::size_t dash = name.find('-');
    if (dash == 32 && all_hex(name.substr(0, dash)) && name.size() > dash + 1 &&
        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dash) + 1, name.end(), is_digit)) {
        return ContainerName{name, {}};
    }
    constexpr std::array<std::size_t, 5> kGarden{8, 4, 4, 4, 4};
    if (parent == "garden" && is_grouped_hex(name, kGarden, '-')) return ContainerName{name, "garden"};
    if (const auto found = of_lxc(component, parent)) return found;
    return of_nspawn(component);
}

// "kubepods-burstable-podUID.slice", below a --cgroup-root also "kubelet-kubepods-podUID.slice" (systemd driver);
// "podUID" somewhere below "kubepods" (cgroupfs driver).
std::optional<std::string> pod_of(std::string_view component, bool in_kubepods) {
    const std::string_view name = without(component, ".slice");
    const std::size_t at = name.rfind("pod");
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view before = name.substr(0, at);
    const bool of_slice = !before.empty() && before.back() == '-' && before.find("kubepods") != std::string_view::npos;
    if (!of_slice && !(before.empty() && in_kubepods)) return std::nullopt;
    return pod_uid(name.substr(at + 3));
}

// The pieces of a path, one after the other. With containerd's cgroupfs driver below a kubelet with the systemd driver,
// "SLICE:cri-containerd:ID" is one directory and three pieces.
class Pieces {
 public:
    explicit Pieces(std::string_view path) : rest_(path) {}

    std::optional<std::string_view> next() {
        while (!rest_.empty()) {
            const std::size_t end = std::min(rest_.find_first_of(in_triple_ ? "/:" : "/"), rest_.size());
            std::string_view piece = rest_.substr(0, end);
            in_triple_ = in_triple_ && end < rest_.size() && rest_[end] == ':';
            if (const std::size_t colon = piece.find(".slice:"); colon != std::string_view::npos) {
                piece = piece.substr(0, colon + 6);
                in_triple_ = true;
            }
            rest_.remove_prefix(std::min(piece.size() + 1, rest_.size()));
            if (!piece.empty() && piece != ".." && piece.size() <= kMaxName) return piece;
        }
        return std::nullopt;
    }

 private:
    std::string_view rest_;
    bool in_triple_ = false;
};

bool is_of_users(std::string_view component) {
    return component == "user.slice";
}

// "user-1000.slice"
std::optional<std::uint32_t> user_of(std::string_view component) {
    constexpr std::string_view kPrefix = "user-";
    if (!component.starts_with(kPrefix) || !ends_with(component, ".slice")) return std::nullopt;
    const std::string_view digits = without(component.substr(kPrefix.size()), ".slice");
    std::uint32_t out = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return out;
}

// The kernel programs have room for so much of a path, and keep its end: what is missing is the outside, which is the
// part that counts. What is left can be anything that somebody within has thought of.
bool is_cut(std::string_view path) {
    return !path.starts_with('/');
}

// What an agent in a cgroup namespace sees of a path outside of it, "/../../a/b", without the dots: "/a/b".
std::string_view below_namespace(std::string_view path) {
    constexpr std::string_view kUp = "/..";
    while (path.starts_with(kUp) && (path.size() == kUp.size() || path[kUp.size()] == '/'))
        path.remove_prefix(kUp.size());
    return path;
}

// How much a path tells: a container in a pod, a pod, a container, a service, anything at all, nothing.
int worth(std::string_view path) {
    if (is_cut(path)) return 0;
    if (const auto names = names_of_cgroup(path)) {
        return names->pod_uid.empty() ? 3 : names->container_id.empty() ? 4 : 5;
    }
    if (!systemd_unit_of_cgroup(path).empty()) return 2;
    return path.size() > 1 ? 1 : 0;
}

}  // namespace

std::optional<CgroupNames> names_of_cgroup(std::string_view path) {
    if (is_cut(path)) return std::nullopt;
    CgroupNames out;
    std::string_view parent;
    bool of_user = false;
    std::optional<std::uint32_t> user;
    bool user_is_told = false;  // by the outermost slice: further ones are the user's own
    // An agent in a cgroup namespace sees its cousins as "/../../podUID/ID": what is above stays hidden.
    bool in_kubepods = path.starts_with("/..");
    Pieces pieces(path);
    while (const auto piece = pieces.next()) {
        if (is_of_users(parent) && !std::exchange(user_is_told, true)) user = user_of(*piece);
        of_user = of_user || is_of_users(*piece);
        in_kubepods = in_kubepods || *piece == "kubepods";
        const bool pod_is_known = !out.pod_uid.empty();
        auto uid = pod_is_known || of_user ? std::nullopt : pod_of(*piece, in_kubepods);
        if (uid) {
            out = {};  // what stood before is the container that is the node (kind, minikube)
            out.pod_uid = std::move(*uid);
        } else if (const auto container = container_of(*piece, parent);
                   container && (!pod_is_known || out.container_id.empty())) {
            const bool nested = !out.container_id.empty();
            out.container_id = container->id;
            out.runtime = container->runtime;
            out.made_by = nested ? MadeBy::container : of_user ? MadeBy::user : MadeBy::system;
            out.user = out.made_by == MadeBy::user ? user : std::nullopt;
        }
        parent = *piece;
    }
    if (out.container_id.empty() && out.pod_uid.empty()) return std::nullopt;
    return out;
}

std::string systemd_unit_of_cgroup(std::string_view path) {
    if (is_cut(path) || names_of_cgroup(path)) return {};
    Pieces pieces(path);
    while (const auto piece = pieces.next()) {
        if (ends_with(*piece, ".service")) return std::string(*piece);
    }
    return {};
}

std::string cgroup_of_proc(std::string_view lines) {
    std::string_view best;
    int rank_of_best = -1;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        // cgroups(7): "hierarchy-ID:controller-list:cgroup-path"; the path may hold colons.
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view path = line.substr(second + 1);
        // Of those that tell as much: the unified one, then systemd's own, then the longest.
        const int of_hierarchy = controllers.empty() ? 2 : controllers == "name=systemd" ? 1 : 0;
        const int rank = worth(path) * 3 + of_hierarchy;
        if (rank < rank_of_best || (rank == rank_of_best && path.size() <= best.size())) continue;
        best = path;
        rank_of_best = rank;
    }
    return std::string(best);
}

std::string better_cgroup(const std::string& known, const std::string& other) {
    const std::string_view below = below_namespace(other);
    if (!is_cut(known) && below.size() < other.size() && known.ends_with(below)) return known;  // the same, in whole
    // Two paths in whole and of different pods are not of one process: the number was another one's by then.
    const auto pod_of_path = [](const std::string& path) {
        const auto names = names_of_cgroup(path);
        return names ? names->pod_uid : std::string();
    };
    const std::string pod = pod_of_path(known);
    const std::string other_pod = pod_of_path(other);
    if (!pod.empty() && !other_pod.empty() && pod != other_pod) return known;
    const int of_known = worth(known);
    const int of_other = worth(other);
    if (of_known != of_other) return of_known > of_other ? known : other;
    return other.size() > known.size() ? other : known;
}

}  // namespace llmsnoop::attribution
