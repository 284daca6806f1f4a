#include "agent/attribution/kubernetes/pod_object.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/attribution/json_value.h"
#include "agent/attribution/kubernetes/workload.h"

namespace llmsnoop::attribution::kubernetes {

namespace {

using nlohmann::json;
using parse_event = json::parse_event_t;

constexpr std::size_t kMaxName = 1024;        // names are at most 253 bytes, images somewhat longer
constexpr std::size_t kMaxLabelValue = 4096;  // labels are at most 63 bytes; annotations have no limit of their own
constexpr std::size_t kMaxContainers = 128;

// What is read below a pod's metadata, spec and status; the rest is left out while the text is read, because a page of
// five hundred whole pods takes a hundred megabytes.
constexpr std::array<std::string_view, 11> kRead{"name",
                                                 "namespace",
                                                 "uid",
                                                 "labels",
                                                 "annotations",
                                                 "ownerReferences",
                                                 "nodeName",
                                                 "containerStatuses",
                                                 "initContainerStatuses",
                                                 "resourceVersion",
                                                 "ephemeralContainerStatuses"};

// `pod_depth`: of the keys "metadata", "spec" and "status" of a pod in the text.
std::optional<json> parse_pods(std::string_view text, std::size_t limit, int pod_depth) {
    if (text.size() > limit) return std::nullopt;
    const auto keep = [=](int depth, parse_event event, json& parsed) {
        if (event != parse_event::key || depth != pod_depth + 1) return true;
        return std::find(kRead.begin(), kRead.end(), parsed.get_ref<const std::string&>()) != kRead.end();
    };
    auto out = json::parse(text, keep, /*allow_exceptions=*/false);
    if (!out.is_object()) return std::nullopt;
    return out;
}

void add_wanted(const json& from, const std::vector<std::string>& names, std::map<std::string, std::string>& out) {
    if (!from.is_object()) return;
    for (const std::string& name : names) {
        const auto at = from.find(name);
        if (at == from.end() || !at->is_string()) continue;
        if (std::string value = text_of(*at, kMaxLabelValue); !value.empty()) out.emplace(name, std::move(value));
    }
}

// "containerd://3f4e..." -> "3f4e..."
std::string without_scheme(const std::string& id) {
    const std::size_t at = id.find("://");
    return at == std::string::npos ? std::string() : id.substr(at + 3);
}

void add_containers(const json& statuses, std::vector<PodContainer>& out) {
    if (!statuses.is_array()) return;
    for (const json& status : statuses) {
        const std::string name = text_at(status, "name", kMaxName);
        if (name.empty()) continue;
        const std::string image = text_at(status, "image", kMaxName);
        const json& before = member_of(member_of(status, "lastState"), "terminated");
        for (const std::string& id :
             {text_at(before, "containerID", kMaxName), text_at(status, "containerID", kMaxName)}) {
            if (out.size() >= kMaxContainers) return;
            const std::string bare = without_scheme(id);
            const bool known = std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.id == bare; });
            if (!bare.empty() && !known) out.push_back({bare, name, image});
        }
    }
}

std::optional<PodFacts> read_pod(const json& pod, const WantedLabels& wanted) {
    const json& metadata = member_of(pod, "metadata");
    PodFacts out;
    out.uid = text_at(metadata, "uid", kMaxName);
    out.name = text_at(metadata, "name", kMaxName);
    out.namespace_name = text_at(metadata, "namespace", kMaxName);
    if (out.uid.empty() || out.name.empty() || out.namespace_name.empty()) return std::nullopt;
    const json& labels = member_of(metadata, "labels");
    const json& annotations = member_of(metadata, "annotations");
    // The kubelet makes a mirror pod for each of its static pods; its containers run under the static pod's uid.
    out.static_uid = text_at(annotations, "kubernetes.io/config.mirror", kMaxName);
    out.node = text_at(member_of(pod, "spec"), "nodeName", kMaxName);
    const Workload workload = workload_of(owner_of(metadata), text_at(labels, "pod-template-hash", kMaxName), out.name);
    out.workload_kind = workload.kind;
    out.workload_name = workload.name;
    add_wanted(labels, wanted.labels, out.labels);
    add_wanted(annotations, wanted.annotations, out.labels);
    const json& status = member_of(pod, "status");
    for (const char* statuses : {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
        add_containers(member_of(status, statuses), out.containers);
    return out;
}

}  // namespace

std::optional<PodList> read_pod_list(std::string_view text, const WantedLabels& wanted) {
    constexpr int kPodDepth = 3;  // {"items": [{"metadata": ...
    const auto parsed = parse_pods(text, kMaxListBytes, kPodDepth);
    if (!parsed) return std::nullopt;
    // A server in Go writes an empty list as null.
    const auto items = parsed->find("items");
    if (items == parsed->end() || !(items->is_array() || items->is_null())) return std::nullopt;
    PodList out;
    const json& metadata = member_of(*parsed, "metadata");
    out.resource_version = text_at(metadata, "resourceVersion", kMaxName);
    out.continue_token = text_at(metadata, "continue", kMaxLabelValue);
    if (items->is_null()) return out;
    for (const json& one : *items) {
        auto pod = read_pod(one, wanted);
        if (pod)
            out.pods.push_back(std::move(*pod));
        else
            ++out.malformed;
    }
    return out;
}

WatchEvent read_watch_event(std::string_view line, const WantedLabels& wanted) {
    constexpr int kPodDepth = 2;  // {"type": ..., "object": {"metadata": ...
    WatchEvent out;
    const auto parsed = parse_pods(line, kMaxEventBytes, kPodDepth);
    if (!parsed) return out;
    const std::string type = text_at(*parsed, "type", kMaxName);
    const json& object = member_of(*parsed, "object");
    if (type == "ERROR") {
        out.type = WatchEvent::Type::error;
        const json& code = member_of(object, "code");
        if (code.is_number_unsigned() && code.get<std::uint64_t>() < 1000) out.code = code.get<int>();
        return out;
    }
    out.resource_version = text_at(member_of(object, "metadata"), "resourceVersion", kMaxName);
    if (type == "BOOKMARK") {
        if (!out.resource_version.empty()) out.type = WatchEvent::Type::bookmark;
        return out;
    }
    const auto known = type == "ADDED"      ? WatchEvent::Type::added
                       : type == "MODIFIED" ? WatchEvent::Type::modified
                       : type == "DELETED"  ? WatchEvent::Type::deleted
                                            : WatchEvent::Type::malformed;
    auto pod = read_pod(object, wanted);
    if (!pod || out.resource_version.empty()) return out;
    out.type = known;
    out.pod = std::move(*pod);
    return out;
}

}  // namespace llmsnoop::attribution::kubernetes
