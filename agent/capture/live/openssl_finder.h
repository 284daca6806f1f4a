#pragma once
// Does a file implement OpenSSL's interface (libssl itself, or an executable with OpenSSL linked in), and where are its
// probes best placed? Works on symbols; stripped binaries are another finder's business.
#include <optional>
#include <string>
#include <vector>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/probe_site.h"
#include "agent/capture/live/programs.h"

namespace llmsnoop::capture::live {

struct PlannedProbe {
    TlsHook hook = TlsHook::read;
    std::string function;  // the exported function(s) whose calls it sees
    ProbeSite site;
};

// The probes for this file; empty if it is no OpenSSL. Reading and writing are always both there.
std::vector<PlannedProbe> find_openssl(const ElfFile& file);

}  // namespace llmsnoop::capture::live
