#include "agent/capture/live/probed_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "agent/base/fd.h"
#include "agent/base/log.h"

namespace llmsnoop::capture::live {

base::Result<bool> ProbedFiles::consider(const std::string& open_path, const std::string& path, std::optional<Id> id) {
    const std::lock_guard lock(mutex_);
    if (id) {
        if (const auto known = files_.find(*id); known != files_.end()) return !known->second.probes.empty();
    }
    return consider_locked(open_path, path, false);
}

base::Result<bool> ProbedFiles::pin(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return consider_locked(path, path, true);
}

base::Result<bool> ProbedFiles::consider_locked(const std::string& open_path, const std::string& path, bool pinned) {
    const base::Fd fd(open(open_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return base::system_error(path);
    const auto id = mapping_identity(fd.get());
    if (!id) return base::system_error(path + ": cannot be mapped");
    if (const auto known = files_.find(*id); known != files_.end()) {
        known->second.pinned = known->second.pinned || pinned;
        return !known->second.probes.empty();
    }
    Entry& entry = files_[*id];
    entry.path = path;
    entry.pinned = pinned;
    // From here on the descriptor names the file, so that what is disassembled and what is probed cannot differ.
    const std::string fd_path = fmt::format("/proc/self/fd/{}", fd.get());
    const auto file = ElfFile::open(fd_path);
    if (!file) return false;
    for (TlsCode& code : find_tls(**file))
        std::move(code.probes.begin(), code.probes.end(), std::back_inserter(entry.plan));
    if (entry.plan.empty()) return false;
    // Setting a probe on a page that is not in the page cache once made a kernel warn: have it read first.
    for (const PlannedProbe& one : entry.plan) {
        char byte = 0;
        [[maybe_unused]] const ssize_t got = pread(fd.get(), &byte, 1, static_cast<off_t>(one.site.file_offset));
    }
    if (auto attached = attach(fd_path, entry); !attached) {
        files_.erase(*id);
        return attached.error();
    }
    base::log::info("probing {}", path);
    return true;
}

base::Result<void> ProbedFiles::attach(const std::string& fd_path, Entry& entry) {
    for (const PlannedProbe& one : entry.plan) {
        auto probe = programs_.attach(one.hook, fd_path, one.site.file_offset);
        if (!probe) {
            entry.probes.clear();
            base::Error failure = probe.error();
            failure.message = entry.path + ": " + failure.message;
            return failure;
        }
        entry.probes.push_back(std::move(*probe));
    }
    return {};
}

void ProbedFiles::retain(const std::set<Id>& in_use) {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_, [&](const auto& one) {
        const bool drop = !one.second.pinned && in_use.count(one.first) == 0;
        if (drop && !one.second.probes.empty())
            base::log::info("no longer probing {}: nobody uses it", one.second.path);
        return drop;
    });
}

std::vector<ProbedFiles::Report> ProbedFiles::report() const {
    const std::lock_guard lock(mutex_);
    std::vector<Report> out;
    for (const auto& [id, entry] : files_) {
        if (!entry.probes.empty()) out.push_back({id, entry.path, entry.plan});
    }
    return out;
}

}  // namespace llmsnoop::capture::live
