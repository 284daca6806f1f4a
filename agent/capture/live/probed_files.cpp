#include "agent/capture/live/probed_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/base/fd.h"
#include "agent/base/log.h"

namespace llmsnoop::capture::live {

namespace {

std::string fd_path_of(const base::Fd& fd) {
    return fmt::format("/proc/self/fd/{}", fd.get());
}

std::optional<ProbedFiles::Stamp> stamp_of(const struct stat& info) {
    return ProbedFiles::Stamp{info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

}  // namespace

ProbedFiles::ProbedFiles(Programs& programs)
    : programs_(programs),
      trials_(executable_of, [this](const Id& id, CandidateTrials::Verdict verdict) { tried(id, verdict); }),
      analysis_([this](const Id& id, const base::Fd& file, const StrippedTls& found) { analysed(id, file, found); }) {}

ProbedFiles::~ProbedFiles() {
    const std::lock_guard lock(mutex_);
    std::vector<Probe> probes;
    for (auto& [id, entry] : files_)
        std::move(entry.probes.begin(), entry.probes.end(), std::back_inserter(probes));
    detach(std::move(probes));
}

base::Result<bool> ProbedFiles::consider(const std::string& open_path, const std::string& path, std::optional<Id> id) {
    const std::lock_guard lock(mutex_);
    if (id) {
        const auto known = files_.find(*id);
        if (known != files_.end() && is_current(*id, known->second, open_path)) return !known->second.probes.empty();
        if (known != files_.end()) {
            base::log::info("{} has other contents now: looking at it again", known->second.path);
            const bool pinned = known->second.pinned;
            detach(std::move(known->second.probes));  // they are in the wrong places now
            files_.erase(known);
            trials_.end(*id);
            return consider_locked(open_path, path, pinned);
        }
    }
    return consider_locked(open_path, path, false);
}

// Probes that stay where a file's contents are others break whoever runs it, and an inode's number goes to another file
// when the first one is deleted. A path that leads to another file by now says nothing about this one.
bool ProbedFiles::is_current(const Id& id, const Entry& entry, const std::string& open_path) {
    struct stat info {};
    if (entry.analysed_aside || stat(open_path.c_str(), &info) != 0 || stamp_of(info) == entry.stamp) return true;
    const base::Fd fd(open(open_path.c_str(), O_RDONLY | O_CLOEXEC));
    return !fd || mapping_identity(fd.get()) != id;
}

base::Result<bool> ProbedFiles::pin(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return consider_locked(path, path, true);
}

base::Result<bool> ProbedFiles::consider_locked(const std::string& open_path, const std::string& path, bool pinned) {
    base::Fd fd(open(open_path.c_str(), O_RDONLY | O_CLOEXEC));
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
    struct stat info {};
    if (fstat(fd.get(), &info) == 0) entry.stamp = stamp_of(info);
    // From here on the descriptor names the file, so that what is disassembled and what is probed cannot differ.
    const auto file = ElfFile::open(fd_path_of(fd));
    if (!file) return false;
    for (TlsCode& code : find_tls(**file))
        std::move(code.probes.begin(), code.probes.end(), std::back_inserter(entry.plan));
    if (!entry.plan.empty()) return attach_planned(*id, fd, entry);
    if (pinned) return take_findings(*id, fd, entry, find_stripped_tls(**file));
    if (!may_hold_stripped_tls(**file)) return false;
    entry.analysed_aside = true;
    if (!analysis_.add(*id, std::move(fd))) {
        base::log::debug("{}: not analysed yet, too many files are waiting", path);
        files_.erase(*id);
        passed_over_ = true;
    }
    return false;
}

// On the analysis thread.
void ProbedFiles::analysed(const Id& id, const base::Fd& fd, const StrippedTls& found) {
    const std::lock_guard lock(mutex_);
    const auto at = files_.find(id);
    if (at == files_.end() || !at->second.analysed_aside) return;  // nobody uses it any more
    at->second.analysed_aside = false;
    if (const auto done = take_findings(id, fd, at->second, found); !done) base::log::warn("{}", done.error().message);
}

base::Result<bool> ProbedFiles::take_findings(const Id& id, const base::Fd& fd, Entry& entry,
                                              const StrippedTls& found) {
    entry.plan = found.probes;
    entry.refusal = found.refusal;
    const bool traced = !entry.plan.empty();
    if (!entry.refusal.empty()) {
        const std::string why =
            fmt::format("{}: {} is in it, but cannot be {}: {}", entry.path, names_of(found.libraries),
                        traced ? "wholly traced" : "traced", entry.refusal);
        if (entry.pinned && !traced) return base::error(why, base::Error::Kind::unsupported);
        base::log::warn("{}", why);
    }
    if (!traced) return false;
    auto attached = attach_planned(id, fd, entry);
    if (attached) trials_.begin(id, found.libraries);
    return attached;
}

void ProbedFiles::tried(const Id& id, CandidateTrials::Verdict verdict) {
    const std::lock_guard lock(mutex_);
    const auto at = files_.find(id);
    if (at == files_.end()) return;
    Entry& entry = at->second;
    if (verdict == CandidateTrials::Verdict::proved) {
        base::log::info("{}: what was found in its code is TLS", entry.path);
        return;
    }
    entry.plan.clear();
    entry.refusal = fmt::format("what its functions moved, over {} connections, did not look like TLS's plaintext",
                                CandidateTrials::kStrikes);
    base::log::warn("{}: {}", entry.path, entry.refusal);
    std::vector<DetachThread::Job> refuted;
    refuted.push_back({entry.path, entry.refusal, std::exchange(entry.probes, {}), base::Fd()});
    detaching_.add(std::move(refuted));
}

base::Result<bool> ProbedFiles::attach_planned(const Id& id, const base::Fd& fd, Entry& entry) {
    // Setting a probe on a page that is not in the page cache once made a kernel warn: have it read first.
    for (const PlannedProbe& one : entry.plan) {
        char byte = 0;
        [[maybe_unused]] const ssize_t got = pread(fd.get(), &byte, 1, static_cast<off_t>(one.site.file_offset));
    }
    if (auto attached = attach_each(fd_path_of(fd), entry); !attached) {
        files_.erase(id);
        return attached.error();
    }
    if (!entry.pinned) entry.file.reset(open(fd_path_of(fd).c_str(), O_PATH | O_CLOEXEC));
    base::log::info("probing {}", entry.path);
    return true;
}

base::Result<void> ProbedFiles::attach_each(const std::string& fd_path, Entry& entry) {
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

void ProbedFiles::retain(const std::set<Id>& in_use, Unused which) {
    std::vector<DetachThread::Job> dropped;
    const std::lock_guard lock(mutex_);
    for (auto at = files_.begin(); at != files_.end();) {
        Entry& entry = at->second;
        const bool keep = entry.pinned || in_use.contains(at->first) || (which == Unused::deleted && !entry.deleted);
        if (!keep && !entry.probes.empty())
            dropped.push_back(
                {std::move(entry.path), "nobody uses it", std::move(entry.probes), std::move(entry.file)});
        if (!keep) trials_.end(at->first);
        at = keep ? std::next(at) : files_.erase(at);
    }
    detaching_.add(std::move(dropped));
}

bool ProbedFiles::take_deleted() {
    const std::lock_guard lock(mutex_);
    bool news = false;
    for (auto& [id, entry] : files_) {
        struct stat info {};
        if (!entry.file || entry.deleted || fstat(entry.file.get(), &info) != 0 || info.st_nlink != 0) continue;
        entry.deleted = true;
        news = true;
    }
    return news;
}

std::optional<ProbedFiles::State> ProbedFiles::state_of(const Id& id) const {
    const std::lock_guard lock(mutex_);
    const auto at = files_.find(id);
    if (at == files_.end()) return std::nullopt;
    return State{!at->second.probes.empty(), at->second.analysed_aside, at->second.refusal};
}

std::vector<ProbedFiles::Report> ProbedFiles::report() const {
    const std::lock_guard lock(mutex_);
    std::vector<Report> out;
    for (const auto& [id, entry] : files_) {
        if (!entry.probes.empty() || !entry.refusal.empty()) out.push_back({id, entry.path, entry.plan, entry.refusal});
    }
    return out;
}

}  // namespace llmsnoop::capture::live
