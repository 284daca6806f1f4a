#pragma once
// Which TLS library a file holds, and where its probes are best placed. Each library has a finder of its own in this
// form; here they are asked in turn.
#include <string>
#include <vector>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/probe_site.h"
#include "agent/capture/live/tls_hooks.h"
#include "agent/model/connection.h"

namespace llmsnoop::capture::live {

struct PlannedProbe {
    TlsHook hook = TlsHook::openssl_read;
    std::string function;  // the exported function(s) whose calls it sees
    ProbeSite site;
};

struct TlsCode {
    model::Library library = model::Library::none;
    std::vector<PlannedProbe> probes;  // reading and writing are always both there, or nothing is
};

// All the TLS code of this file; empty if it has none that can be probed. Cheap: symbols and tables, no analysis of the
// whole file.
std::vector<TlsCode> find_tls(const ElfFile& file);

// For the finders: a probe in the function at `address`, at its cheapest place; none where there is no code.
void plan_probe(std::vector<PlannedProbe>& out, const ElfFile& file, TlsHook hook, const std::string& function,
                std::uint64_t address, Need need);

}  // namespace llmsnoop::capture::live
