#include "agent/capture/live/tls_finder.h"

#include "agent/capture/live/gnutls_finder.h"
#include "agent/capture/live/go_finder.h"
#include "agent/capture/live/openssl_finder.h"

namespace llmsnoop::capture::live {

namespace {

struct Finder {
    model::Library library;
    std::vector<PlannedProbe> (*find)(const ElfFile& file);
};

constexpr Finder kFinders[] = {
    {model::Library::openssl, find_openssl},
    {model::Library::gnutls, find_gnutls},
    {model::Library::go, find_go},
};

}  // namespace

std::vector<TlsCode> find_tls(const ElfFile& file) {
    std::vector<TlsCode> out;
    for (const Finder& one : kFinders) {
        if (auto probes = one.find(file); !probes.empty()) out.push_back({one.library, std::move(probes)});
    }
    return out;
}

void plan_probe(std::vector<PlannedProbe>& out, const ElfFile& file, TlsHook hook, const std::string& function,
                std::uint64_t address, Need need) {
    if (auto site = choose_site(file, address, need)) out.push_back({hook, function, *site});
}

}  // namespace llmsnoop::capture::live
