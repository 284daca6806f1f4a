#include "agent/attribution/bundle.h"

#include <nlohmann/json.hpp>

#include "agent/attribution/json_value.h"

namespace llmsnoop::attribution {

namespace {

std::string name_at(const nlohmann::json& object, const char* key) {
    return text_at(object, key, kMaxBundleName);
}

// containerd: internal/cri/annotations; "container-type" is "sandbox" or "container".
bool read_containerd(const nlohmann::json& annotations, BundleFacts& out) {
    if (name_at(annotations, "io.kubernetes.cri.container-type").empty()) return false;
    out.runtime = "containerd";
    out.name = name_at(annotations, "io.kubernetes.cri.container-name");
    out.image = name_at(annotations, "io.kubernetes.cri.image-name");
    out.pod_uid = name_at(annotations, "io.kubernetes.cri.sandbox-uid");
    out.pod_namespace = name_at(annotations, "io.kubernetes.cri.sandbox-namespace");
    out.pod_name = name_at(annotations, "io.kubernetes.cri.sandbox-name");
    out.pod_container = out.name;
    return true;
}

// CRI-O: pkg/annotations; the sandbox says "POD" for its container's name.
bool read_crio(const nlohmann::json& annotations, BundleFacts& out) {
    const std::string type = name_at(annotations, "io.kubernetes.cri-o.ContainerType");
    if (type.empty()) return false;
    out.runtime = "cri-o";
    out.name = type == "sandbox" ? "" : name_at(annotations, "io.kubernetes.container.name");
    out.image = name_at(annotations, "io.kubernetes.cri-o.ImageName");
    if (out.image.empty()) out.image = name_at(annotations, "io.kubernetes.cri-o.Image");
    out.pod_uid = name_at(annotations, "io.kubernetes.pod.uid");
    out.pod_namespace = name_at(annotations, "io.kubernetes.pod.namespace");
    out.pod_name = name_at(annotations, "io.kubernetes.pod.name");
    out.pod_container = out.name;
    return true;
}

}  // namespace

std::optional<BundleFacts> read_oci_config(std::string_view text) {
    // What holds the environment, with its keys, is not even kept while the text is read.
    const auto config = parse_members(text, kMaxBundleBytes, [](std::string_view key) { return key == "annotations"; });
    if (!config) return std::nullopt;
    BundleFacts out;
    const nlohmann::json& annotations = member_of(*config, "annotations");
    if (read_containerd(annotations, out) || read_crio(annotations, out)) return out;
    out.name = name_at(annotations, "nerdctl/name");
    if (!out.name.empty()) out.runtime = "containerd";
    return out;
}

std::optional<BundleFacts> read_docker_config(std::string_view text) {
    const auto config =
        parse_members(text, kMaxBundleBytes, [](std::string_view key) { return key == "Name" || key == "Config"; });
    if (!config) return std::nullopt;
    BundleFacts out;
    out.runtime = "docker";
    out.name = name_at(*config, "Name");
    if (out.name.starts_with('/')) out.name.erase(0, 1);
    const nlohmann::json& settings = member_of(*config, "Config");
    out.image = name_at(settings, "Image");
    const nlohmann::json& labels = member_of(settings, "Labels");
    out.pod_uid = name_at(labels, "io.kubernetes.pod.uid");
    if (out.pod_uid.empty()) return out;
    out.pod_namespace = name_at(labels, "io.kubernetes.pod.namespace");
    out.pod_name = name_at(labels, "io.kubernetes.pod.name");
    if (name_at(labels, "io.kubernetes.docker.type") != "podsandbox")
        out.pod_container = name_at(labels, "io.kubernetes.container.name");
    return out;
}

std::optional<BundleFacts> read_engine_answer(std::string_view text, std::string_view id) {
    const auto about = parse_members(text, kMaxBundleBytes, [](std::string_view key) { return key == "Id"; });
    if (!about || text_at(*about, "Id", kMaxBundleName) != id) return std::nullopt;
    auto facts = read_docker_config(text);
    if (facts) facts->runtime.clear();
    return facts;
}

std::optional<BundleFacts> read_storage_list(std::string_view text, std::string_view id) {
    const auto list = parse_json(text, kMaxBundleBytes);
    if (!list || !list->is_array()) return std::nullopt;
    for (const nlohmann::json& one : *list) {
        if (name_at(one, "id") != id) continue;
        BundleFacts out;
        out.runtime = "podman";
        const nlohmann::json& names = member_of(one, "names");
        if (names.is_array() && !names.empty()) out.name = text_of(names.front(), kMaxBundleName);
        // A JSON text within the JSON text.
        const auto metadata = parse_json(text_at(one, "metadata", kMaxBundleBytes), kMaxBundleBytes);
        if (metadata) out.image = name_at(*metadata, "image-name");
        return out;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::attribution
