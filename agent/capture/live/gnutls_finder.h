#pragma once
// Does a file implement GnuTLS's interface, and where are its probes best placed? Works on symbols.
#include <vector>

#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::capture::live {

// The probes for this file; empty if it is no GnuTLS. Reading and writing are always both there.
std::vector<PlannedProbe> find_gnutls(const ElfFile& file);

}  // namespace llmsnoop::capture::live
