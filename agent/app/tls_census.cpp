#include "agent/app/tls_census.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "agent/capture/live/elf_file.h"
#include "agent/capture/live/library_watch.h"
#include "agent/capture/live/procfs.h"
#include "agent/capture/live/stripped_finder.h"
#include "agent/capture/live/unseen.h"

namespace llmsnoop::app {

namespace {

using namespace capture::live;

std::optional<TlsFile> look_at(const std::string& open_path, const std::string& path) {
    TlsFile out;
    out.path = path;
    const auto file = ElfFile::open(open_path);
    if (!file) return std::nullopt;
    for (TlsCode& code : find_tls(**file)) {
        if (!out.library.empty()) out.library += "+";
        out.library += model::name_of(code.library);
        std::move(code.probes.begin(), code.probes.end(), std::back_inserter(out.probes));
    }
    if (!out.probes.empty()) return out;
    if (may_hold_stripped_tls(**file)) {
        StrippedTls stripped = find_stripped_tls(**file);
        if (!stripped.libraries.empty()) {
            out.library = names_of(stripped.libraries);
            out.probes = std::move(stripped.probes);
            out.why_not = std::move(stripped.refusal);
            return out;
        }
    }
    if (const auto name = untraced_library(path); !name.empty()) {
        out.library = name;
        out.why_not = "this library is not traced";
    } else if (!(*file)->functions({"crypto/tls.(*Conn).Write"}).empty()) {
        out.library = "go";
        out.why_not = "its code is not that of Go 1.17 or later on x86-64";
    } else {
        return std::nullopt;
    }
    return out;
}

}  // namespace

TlsCensus take_census(const Selection& selection, const std::vector<std::string>& libraries) {
    TlsCensus out;
    std::map<FileId, std::optional<std::size_t>> seen;
    const auto add = [&](std::optional<TlsFile> file) -> std::optional<std::size_t> {
        if (!file) return std::nullopt;
        out.files.push_back(std::move(*file));
        return out.files.size() - 1;
    };
    for (const std::uint32_t pid : selected_processes(selection)) {
        ++out.looked_at;
        TlsProcess process;
        process.pid = pid;
        for (const MappedFile& file : mapped_files(pid)) {
            if (file.id == own_executable()) continue;
            auto at = seen.find(file.id);
            if (at == seen.end()) {
                auto found = look_at(file.open_path, file.path);
                if (!found) found = look_at(fmt::format("/proc/{}/root{}", pid, file.path), file.path);
                at = seen.emplace(file.id, add(std::move(found))).first;
            }
            if (at->second) process.files.push_back(*at->second);
        }
        const auto stat = read_stat(pid);
        if (process.files.empty() || !stat) continue;
        process.comm = stat->comm;
        out.processes.push_back(std::move(process));
    }
    std::vector<std::string> named = libraries;
    if (selection.everything()) {
        const auto system = system_libraries();
        named.insert(named.end(), system.begin(), system.end());
    }
    for (const std::string& path : named) {
        bool known = false;
        for (const TlsFile& file : out.files)
            known = known || file.path == path;
        if (!known) add(look_at(path, path));
    }
    return out;
}

}  // namespace llmsnoop::app
