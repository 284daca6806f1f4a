#pragma once
// What /proc says about a running process, to complete what the capture source knows of it.
#include "agent/model/process.h"

namespace llmsnoop::attribution {

// Fills in what is absent or better known by /proc (executable, cgroup path, command line hash, start time). False if
// the process is gone or its pid belongs to another one by now; nothing is changed then, except for the start time.
bool complete_from_proc(model::Process& process);

}  // namespace llmsnoop::attribution
