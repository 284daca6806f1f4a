#include "agent/capture/live/go_finder.h"

#include <cstring>

#include "agent/base/endian.h"
#include "agent/capture/live/go_code.h"
#include "agent/capture/live/go_pclntab.h"

namespace llmsnoop::capture::live {

namespace {

struct Table {
    GoPclntab functions;
    std::uint64_t address = 0;
};

std::optional<Table> table_in(const ElfFile::Region& region, std::size_t at) {
    auto parsed = GoPclntab::parse(region.bytes.subspan(at));
    if (!parsed) return std::nullopt;
    return Table{*parsed, region.address + at};
}

// Go's linker names the section; another linker may have put it into a larger one (position-independent programs with
// cgo), and section headers can be taken away. Only what looks like Go is searched.
std::optional<Table> find_table(const ElfFile& file) {
    for (const char* name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
        if (const auto section = file.section(name)) return table_in(*section, 0);
    }
    if (!file.section(".go.buildinfo") && !file.section(".note.go.buildid") && file.section(".shstrtab"))
        return std::nullopt;
    for (const ElfFile::Region& region : file.regions()) {
        if (const auto at = GoPclntab::search(region.bytes)) return table_in(region, *at);
    }
    return std::nullopt;
}

// Where the code begins: from Go 1.26 on, only runtime.moduledata says so. It begins with the address of the table and
// the address of the table's names, and later says with what function the code begins (minpc).
std::optional<std::uint64_t> text_start_of(const ElfFile& file, const Table& table) {
    constexpr std::size_t kMinPc = 160;
    const GoPclntab& functions = table.functions;
    if (!functions.entries_are_relative()) return 0;
    if (file.file_offset(functions.text_start())) return functions.text_start();
    std::uint8_t wanted[16];
    base::store_le(wanted, table.address);
    base::store_le(wanted + 8, table.address + functions.names_offset());
    for (const ElfFile::Region& region : file.regions()) {
        const void* found = memmem(region.bytes.data(), region.bytes.size(), wanted, sizeof wanted);
        if (found == nullptr) continue;
        const auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - region.bytes.data());
        if (region.bytes.size() - at < kMinPc + 8) continue;
        const auto start = base::load_le<std::uint64_t>(region.bytes.data() + at + kMinPc);
        if (file.file_offset(start)) return start;
    }
    return std::nullopt;
}

struct Io {
    const char* function;
    TlsHook begins, returns;
};
constexpr Io kIo[] = {{"crypto/tls.(*Conn).Read", TlsHook::go_read, TlsHook::go_read_return},
                      {"crypto/tls.(*Conn).Write", TlsHook::go_write, TlsHook::go_write_return}};

struct Other {
    const char* function;
    TlsHook hook;
};
constexpr Other kOthers[] = {{"crypto/tls.(*Conn).Close", TlsHook::go_close},
                             {"crypto/tls.(*Conn).clientHandshake", TlsHook::go_handshake},
                             {"crypto/tls.(*Conn).serverHandshake", TlsHook::go_handshake}};

}  // namespace

std::vector<PlannedProbe> find_go(const ElfFile& file) {
    const auto table = find_table(file);
    const auto text_start = table ? text_start_of(file, *table) : std::nullopt;
    if (!text_start) return {};
    std::vector<std::string> wanted;
    for (const Io& one : kIo)
        wanted.emplace_back(one.function);
    for (const Other& one : kOthers)
        wanted.emplace_back(one.function);
    const auto functions = table->functions.functions(wanted, *text_start);
    std::vector<PlannedProbe> out;
    for (const Io& one : kIo) {
        const auto at = functions.find(one.function);
        if (at == functions.end()) return {};
        const auto entry = go_entry_site(file, at->second.address);
        const auto returns = go_return_sites(file, at->second.address, at->second.size);
        if (!entry || returns.empty()) return {};
        for (const ProbeSite& site : returns)
            out.push_back({one.returns, one.function, site});
        out.push_back({one.begins, one.function, *entry});
    }
    for (const Other& one : kOthers) {
        const auto at = functions.find(one.function);
        if (at == functions.end()) continue;
        if (const auto entry = go_entry_site(file, at->second.address)) out.push_back({one.hook, one.function, *entry});
    }
    return out;
}

}  // namespace llmsnoop::capture::live
