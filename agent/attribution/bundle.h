#pragma once
// What a container runtime has written down about a container, in files on the host: readers of their texts. Pure
// functions; the texts are taken for hostile.
//
// The annotations of an image or a pod may end up among those that are read here, so a reader believes nothing beyond
// names: that a pod's name belongs to a pod's uid holds only where the cgroup path says the same uid (bundles.h).
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::attribution {

inline constexpr std::size_t kMaxBundleBytes = 4U << 20;  // of a text; longer ones are refused
inline constexpr std::size_t kMaxBundleName = 1024;       // of a name; longer ones are unknown

struct BundleFacts {
    std::string runtime;
    std::string name;
    std::string image;
    // In Kubernetes only.
    std::string pod_uid;
    std::string pod_namespace;
    std::string pod_name;
    std::string pod_container;  // empty for the sandbox

    friend bool operator==(const BundleFacts&, const BundleFacts&) = default;
};

// A bundle's config.json (OCI runtime specification) by its annotations, as containerd, CRI-O and nerdctl set them.
// Nothing if it is no object. Annotations of none of them give facts without names.
std::optional<BundleFacts> read_oci_config(std::string_view text);

// Docker's config.v2.json.
std::optional<BundleFacts> read_docker_config(std::string_view text);

// What the Docker Engine API answers to GET /containers/ID/json. Nothing if it is about another container: where none
// has the id, the engine takes it for a name, and anybody may name a container so. The runtime stays open: Podman
// answers the same.
std::optional<BundleFacts> read_engine_answer(std::string_view text, std::string_view id);

// The entry of `id` in the list of containers/storage (overlay-containers/containers.json), where Podman keeps names.
std::optional<BundleFacts> read_storage_list(std::string_view text, std::string_view id);

}  // namespace llmsnoop::attribution
