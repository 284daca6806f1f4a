#pragma once
// Is a file a Go program that uses crypto/tls, and where do its probes stand? Works on Go's own table of functions,
// which stripping leaves, and on the code.
//
// Go's stacks move, so there must be no return probe: what happens at the return is probed at each RET instruction.
// The programs of the entry stand on the jump behind the check of the stack's limit, which every function of that size
// begins with: the kernel emulates it, and the check proves the calling convention (Go 1.17), in which R14 is the
// goroutine.
#include <vector>

#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::capture::live {

// The probes for this file; empty if it is no Go program with crypto/tls, or one that is not understood. Those of the
// returns come before that of the entry: a call that begins between the two is then missed as a whole.
std::vector<PlannedProbe> find_go(const ElfFile& file);

}  // namespace llmsnoop::capture::live
