#pragma once
// Does a file implement OpenSSL's interface (libssl itself, or an executable with OpenSSL linked in), and where are its
// probes best placed? Works on symbols.
#include <vector>

#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::capture::live {

// The probes for this file; empty if it is no OpenSSL. Reading and writing are always both there.
std::vector<PlannedProbe> find_openssl(const ElfFile& file);

}  // namespace llmsnoop::capture::live
