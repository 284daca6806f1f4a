#pragma once
// From the configuration, and the environment of a pod, to whom to ask for the pods of this node.
#include <optional>

#include "agent/app/config.h"
#include "agent/attribution/kubernetes/pod_source.h"

namespace llmsnoop::app {

// Nothing: nobody (off, or auto outside a cluster).
std::optional<attribution::kubernetes::PodSourceOptions> pod_source_options(const Config& config);

}  // namespace llmsnoop::app
