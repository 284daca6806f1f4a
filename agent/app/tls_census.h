#pragma once
// Which processes talk TLS, by which library, and whether they can be seen: the part of `doctor` about programs.
#include <cstdint>
#include <string>
#include <vector>

#include "agent/capture/live/selection.h"
#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::app {

struct TlsFile {
    std::string path;
    std::string library;                              // openssl, gnutls, go, nss, ...; empty: none that is known
    std::vector<capture::live::PlannedProbe> probes;  // empty: cannot be seen
    std::string why_not;
};

struct TlsProcess {
    std::uint32_t pid = 0;
    std::string comm;
    std::vector<std::size_t> files;  // indices into TlsCensus::files
};

struct TlsCensus {
    std::vector<TlsFile> files;
    std::vector<TlsProcess> processes;
    std::size_t looked_at = 0;
};

// Looks at what the selected processes have mapped, and at the system's libraries. Attaches nothing.
TlsCensus take_census(const capture::live::Selection& selection, const std::vector<std::string>& libraries);

}  // namespace llmsnoop::app
