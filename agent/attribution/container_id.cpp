#include "agent/attribution/container_id.h"

#include <algorithm>
#include <array>
#include <vector>

namespace llmsnoop::attribution {

namespace {

bool all_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_container_id(std::string_view text) {
    return text.size() == 64 && all_hex(text);
}

// "8-4-4-4-12" with '-' or, as systemd unit names have it, '_'. Static pods have a uid of 32 digits without any.
std::optional<std::string> pod_uid(std::string_view text) {
    if (text.size() == 32 && all_hex(text)) return std::string(text);
    if (text.size() != 36) return std::nullopt;
    std::string out(text);
    std::replace(out.begin(), out.end(), '_', '-');
    for (std::size_t i = 0; i < out.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? out[i] != '-' : !all_hex(std::string_view(out).substr(i, 1))) return std::nullopt;
    }
    return out;
}

std::string_view without(std::string_view text, std::string_view suffix) {
    return text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix
               ? text.substr(0, text.size() - suffix.size())
               : text;
}

struct Scheme {
    std::string_view prefix;
    std::string_view runtime;
};
constexpr std::array<Scheme, 5> kScopes{{{"docker-", "docker"},
                                         {"cri-containerd-", "containerd"},
                                         {"crio-", "cri-o"},
                                         {"libpod-", "podman"},
                                         {"nerdctl-", "containerd"}}};

// One component that may name a container: "docker-ID.scope", "ID", "ID.scope".
void read_container(std::string_view component, std::string_view parent, CgroupNames& out) {
    const std::string_view name = without(component, ".scope");
    for (const Scheme& scheme : kScopes) {
        if (name.substr(0, scheme.prefix.size()) == scheme.prefix &&
            is_container_id(name.substr(scheme.prefix.size()))) {
            out.container_id = name.substr(scheme.prefix.size());
            out.runtime = scheme.runtime;
            return;
        }
    }
    if (is_container_id(name)) {
        out.container_id = name;
        out.runtime = parent == "docker" ? "docker" : parent == "libpod_parent" ? "podman" : "";
        return;
    }
    // ECS: "/ecs/TASK/TASKHEX-NUMBER", an id of 32 digits, a dash, and digits.
    const std::size_t dash = name.find('-');
    if (dash == 32 && all_hex(name.substr(0, dash)) && name.size() > dash + 1 &&
        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dash) + 1, name.end(),
                    [](char c) { return c >= '0' && c <= '9'; })) {
        out.container_id = name;
    }
}

// "kubepods-burstable-podUID.slice" (systemd driver) or "podUID" (cgroupfs driver).
void read_pod(std::string_view component, CgroupNames& out) {
    const std::string_view name = without(component, ".slice");
    const std::size_t at = name.rfind("pod");
    if (at == std::string_view::npos || (at != 0 && name[at - 1] != '-')) return;
    if (auto uid = pod_uid(name.substr(at + 3))) out.pod_uid = std::move(*uid);
}

}  // namespace

std::optional<CgroupNames> names_of_cgroup(std::string_view path) {
    CgroupNames out;
    std::string_view parent;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view component = path.substr(0, slash);
        if (!component.empty()) {
            read_pod(component, out);
            read_container(component, parent, out);  // the innermost container wins
            parent = component;
        }
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    }
    if (out.container_id.empty() && out.pod_uid.empty()) return std::nullopt;
    return out;
}

}  // namespace llmsnoop::attribution
