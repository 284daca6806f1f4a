#pragma once
// From what the user selects (pids, containers, pods ...) to what the capture source understands.
#include "agent/app/config.h"
#include "agent/base/result.h"
#include "agent/capture/live/selection.h"

namespace llmsnoop::app {

// Containers (by id or name) and pods become the cgroups they run in now. An Error (kind usage) names what is malformed
// or not there.
base::Result<capture::live::Selection> make_selection(const Config& config);

}  // namespace llmsnoop::app
