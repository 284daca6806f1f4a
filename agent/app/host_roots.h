#pragma once
// Where the host's files are, seen from here.
#include <string>
#include <vector>

#include "agent/app/config.h"

namespace llmsnoop::app {

// The second is the host's in a pod with hostPID, where the first is the image's.
inline std::vector<std::string> host_roots(const Config& config) {
    if (!config.containers.roots.empty()) return config.containers.roots;
    return {"/", "/proc/1/root"};
}

}  // namespace llmsnoop::app
