#include "agent/capture/live/library_watch.h"

#include <fmt/format.h>
#include <glob.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "agent/base/log.h"
#include "agent/capture/live/procfs.h"

namespace llmsnoop::capture::live {

namespace {

using Clock = std::chrono::steady_clock;

// Without mmap events new libraries are found by looking again; with them, unused ones are dropped at that pace.
constexpr auto kRescan = std::chrono::seconds(2);
constexpr auto kDropUnused = std::chrono::minutes(10);
constexpr auto kTidyUp = std::chrono::seconds(10);  // what ended goroutines and deleted files leave behind
// A program that starts maps some twenty files in a row: they are read together.
constexpr auto kGather = std::chrono::milliseconds(1);
constexpr unsigned kLooks = 8;  // at what runs when tracing starts

}  // namespace

std::vector<std::string> system_libraries() {
    constexpr std::array kPlaces{"/usr/lib/*/", "/usr/lib64/",      "/usr/lib/",  "/lib/*/",
                                 "/lib64/",     "/usr/local/lib*/", "/opt/*/lib/"};
    constexpr std::array kNames{"libssl.so.*", "libgnutls.so.*"};
    std::vector<std::string> out;
    for (const char* name : kNames) {
        for (const char* place : kPlaces) {
            glob_t found{};
            if (glob((std::string(place) + name).c_str(), 0, nullptr, &found) == 0)
                out.insert(out.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
            globfree(&found);
        }
    }
    return out;
}

LibraryWatch::LibraryWatch(Selection selection, std::vector<std::string> libraries, ProbedFiles& files,
                           Programs& programs, model::LossCounters& losses)
    : selection_(std::move(selection)),
      libraries_(std::move(libraries)),
      files_(files),
      programs_(programs),
      losses_(losses) {}

LibraryWatch::~LibraryWatch() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof one);
    thread_.join();
}

base::Result<void> LibraryWatch::start() {
    // The watch comes first, so that what is mapped during the scan is not missed.
    if (auto watch = MmapWatch::open()) {
        watch_ = std::move(*watch);
    } else {
        base::log::warn("no mmap events ({}): new libraries are found every {} s", watch.error().message,
                        kRescan.count());
    }
    for (const std::string& path : libraries_) {
        const auto pinned = files_.pin(path);
        if (!pinned) return pinned.error();
        if (!*pinned) return base::error(path + ": no TLS library that can be probed", base::Error::Kind::usage);
    }
    if (selection_.everything()) {
        for (const std::string& path : system_libraries()) {
            if (const auto pinned = files_.pin(path); !pinned) base::log::warn("{}", pinned.error().message);
        }
    }
    look_at_running_processes();
    stop_.reset(eventfd(0, EFD_CLOEXEC));
    if (!stop_) return base::system_error("eventfd");
    thread_ = std::thread([this] { run(); });
    return {};
}

// Looks until it meets nobody new: what a process forks before it is marked does not inherit the mark.
void LibraryWatch::look_at_running_processes() {
    std::set<std::uint32_t> met;
    for (unsigned i = 0; i < kLooks; ++i) {
        bool news = false;
        for (const std::uint32_t pid : selected_processes(selection_)) {
            if (!met.insert(pid).second) continue;
            news = true;
            if (!selection_.everything() && !matches(selection_, pid)) programs_.mark_selected(pid);
            look_at_process(pid);
        }
        if (!news || selection_.everything()) return;
    }
}

void LibraryWatch::look_at_process(std::uint32_t pid) {
    for (const MappedFile& file : mapped_files(pid)) {
        if (file.id == own_executable()) continue;
        auto seen = files_.consider(file.open_path, file.path, file.id);
        // map_files needs CAP_CHECKPOINT_RESTORE; the process's root directory leads there too, unless the file was
        // deleted.
        if (!seen) seen = files_.consider(fmt::format("/proc/{}/root{}", pid, file.path), file.path, file.id);
        if (!seen) base::log::debug("{}", seen.error().message);
    }
}

void LibraryWatch::look_at_mapping(const MmapWatch::Mapping& mapping) {
    if (mapping.path.empty() || mapping.path[0] != '/' || mapping.pid == static_cast<std::uint32_t>(getpid())) return;
    if (mapping.id == own_executable()) return;
    if (!selection_.everything() && !matches_with_ancestors(selection_, mapping.pid)) return;
    auto seen = files_.consider(fmt::format("/proc/{}/root{}", mapping.pid, mapping.path), mapping.path, mapping.id);
    if (!seen) seen = files_.consider(mapping.path, mapping.path, mapping.id);  // the process has ended already
    if (!seen) base::log::debug("{}", seen.error().message);
}

void LibraryWatch::run() {
    std::vector<pollfd> waiting{{stop_.get(), POLLIN, 0}};
    if (watch_) {
        for (const int fd : watch_->descriptors())
            waiting.push_back({fd, POLLIN, 0});
    }
    auto next = Clock::now() + (watch_ ? Clock::duration(kDropUnused) : Clock::duration(kRescan));
    auto next_tidy = Clock::now() + kTidyUp;
    bool look_again = false;
    while (true) {
        if (files_.take_passed_over()) {
            look_again = true;
            next = std::min(next, Clock::now() + Clock::duration(kRescan));
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(next, next_tidy) - Clock::now());
        poll(waiting.data(), waiting.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if ((waiting[0].revents & POLLIN) != 0) return;
        if (watch_) {
            std::this_thread::sleep_for(kGather);
            const std::uint64_t lost = watch_->read([this](const MmapWatch::Mapping& one) { look_at_mapping(one); });
            if (lost > 0) {
                losses_.add(model::Loss::mmap_events_lost, lost);
                for (const std::uint32_t pid : selected_processes(selection_))
                    look_at_process(pid);
            }
        }
        if (Clock::now() >= next_tidy) {
            programs_.forget_ended_goroutines();
            if (files_.take_deleted()) drop_unused(ProbedFiles::Unused::deleted);
            next_tidy = Clock::now() + kTidyUp;
        }
        if (Clock::now() < next) continue;
        if (watch_ && !look_again) {
            drop_unused(ProbedFiles::Unused::all);
        } else {
            for (const std::uint32_t pid : selected_processes(selection_))
                look_at_process(pid);
            look_again = false;
        }
        next = Clock::now() + (watch_ ? Clock::duration(kDropUnused) : Clock::duration(kRescan));
    }
}

void LibraryWatch::drop_unused(ProbedFiles::Unused which) {
    std::set<FileId> in_use;
    for (const std::uint32_t pid : running_processes()) {
        for (const MappedFile& file : mapped_files(pid))
            in_use.insert(file.id);
    }
    files_.retain(in_use, which);
}

}  // namespace llmsnoop::capture::live
