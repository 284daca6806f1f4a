#pragma once
// What a pod belongs to, as people name it: the Deployment rather than its ReplicaSet, the CronJob rather than its Job,
// as far as names tell it for certain (so no right to read those objects is needed).
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace llmsnoop::attribution::kubernetes {

struct Workload {
    std::string kind;
    std::string name;

    friend bool operator==(const Workload&, const Workload&) = default;
};

// The owner that controls the object, by its metadata; empty if there is none.
Workload owner_of(const nlohmann::json& metadata);

// `template_hash` is the pod's label pod-template-hash, which a Deployment gives it. Without an owner, and for static
// pods, which their node owns, the pod itself is the workload.
Workload workload_of(const Workload& owner, const std::string& template_hash, const std::string& pod_name);

}  // namespace llmsnoop::attribution::kubernetes
