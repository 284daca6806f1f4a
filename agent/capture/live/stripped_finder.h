#pragma once
// TLS libraries in executables without symbols, found by the structure of their code (stripped/). Slow where there is
// something to find (a second for the largest executables), so it runs aside (analysis_thread.h); where there is
// nothing, one pass over the file's data tells.
#include <atomic>
#include <optional>
#include <string>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::capture::live {

struct StrippedTls {
    // The libraries whose traces were met; none: nothing of the kind is in this file. Codex has two.
    std::vector<model::Library> libraries;
    std::vector<PlannedProbe> probes;
    std::string refusal;  // why one of them has no probes; in words for the user
};

// "openssl+rustls"
std::string names_of(const std::vector<model::Library>& libraries);

// Whether it is worth looking: each of the libraries is some hundred thousand bytes of code. Looks at no byte of the
// file.
bool may_hold_stripped_tls(const ElfFile& file);

// `cancelled`, where given, ends it early, with no result.
StrippedTls find_stripped_tls(const ElfFile& file, const std::atomic<bool>* cancelled = nullptr);

}  // namespace llmsnoop::capture::live
