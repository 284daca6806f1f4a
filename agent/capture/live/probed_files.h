#pragma once
// The files that carry probes. Each is attached once, for all processes, whatever paths it is known by. Identity is the
// device and inode of the mapping as /proc/PID/maps shows it, which is what uprobes go by: on overlayfs and btrfs
// stat(2) says something else, and two containers with a layer in common would be probed twice. Files that nobody has
// mapped any more can be dropped.
//
// Thread-safe.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/capture/live/analysis_thread.h"
#include "agent/capture/live/candidate_trials.h"
#include "agent/capture/live/detach_thread.h"
#include "agent/capture/live/procfs.h"
#include "agent/capture/live/programs.h"
#include "agent/capture/live/tls_finder.h"

namespace llmsnoop::capture::live {

class ProbedFiles {
 public:
    using Id = FileId;

    struct Report {
        Id id;
        std::string path;
        std::vector<PlannedProbe> probes;
        std::string refusal;  // there is a TLS library in it, without probes, for this reason
    };

    // By which a file that was written over is known.
    struct Stamp {
        std::int64_t size = 0, modified_s = 0, modified_ns = 0;
        bool operator==(const Stamp&) const = default;
    };

    explicit ProbedFiles(Programs& programs);
    ~ProbedFiles();
    ProbedFiles(const ProbedFiles&) = delete;
    ProbedFiles& operator=(const ProbedFiles&) = delete;

    // To be shown all events: what was found by structure is detached, and refused from then on, if it does not prove
    // itself.
    CandidateTrials& trials() { return trials_; }

    // Looks at the file that `open_path` opens and attaches to it if it implements TLS. `path` is how people know it.
    // True if it carries probes now (or did before); false if it is of no interest, or if that is not yet known: where
    // symbols say nothing, its code is analysed aside, and probes may follow a second later. Each file is looked at
    // once. `id` where it is known.
    base::Result<bool> consider(const std::string& open_path, const std::string& path, std::optional<Id> id = {});

    // The same for a file that is to keep its probes whether or not anybody has it mapped. It is analysed at once.
    base::Result<bool> pin(const std::string& path);

    // Detaches, in a while, from files that are neither in use nor pinned. What is deleted is dropped soon: nobody will
    // open it again, and its space is not freed before. Others may be used again in a moment.
    enum class Unused : std::uint8_t { all, deleted };
    void retain(const std::set<Id>& in_use, Unused which);

    // Has a file with probes been deleted since this was last asked?
    bool take_deleted();

    // Were files passed over since this was last asked, because too many were waiting for their analysis? Then the
    // processes are to be looked at again.
    bool take_passed_over() { return passed_over_.exchange(false); }

    // What is made of the file; nothing where it has not been looked at, or could not be probed.
    struct State {
        bool probed = false;
        bool under_analysis = false;
        std::string refusal;
    };
    std::optional<State> state_of(const Id& id) const;

    // Files with probes, and those that were refused them.
    std::vector<Report> report() const;

 private:
    struct Entry {
        std::string path;
        std::vector<PlannedProbe> plan;
        std::vector<Probe> probes;
        std::string refusal;
        std::optional<Stamp> stamp;
        base::Fd file;  // O_PATH, where there are probes and it is not pinned: to see whether it is deleted
        bool deleted = false;
        bool pinned = false;
        bool analysed_aside = false;  // under way
    };

    static bool is_current(const Id& id, const Entry& entry, const std::string& open_path);
    base::Result<bool> consider_locked(const std::string& open_path, const std::string& path, bool pinned);
    base::Result<bool> attach_planned(const Id& id, const base::Fd& fd, Entry& entry);
    base::Result<void> attach_each(const std::string& fd_path, Entry& entry);
    base::Result<bool> take_findings(const Id& id, const base::Fd& fd, Entry& entry, const StrippedTls& found);
    void analysed(const Id& id, const base::Fd& fd, const StrippedTls& found);
    void tried(const Id& id, CandidateTrials::Verdict verdict);

    Programs& programs_;
    mutable std::mutex mutex_;
    // Without probes and refusal: looked at, and of no interest. Results are kept for this file alone and not for
    // others that claim to be equal to it: a build id is whatever the file says, and probes in the wrong place break a
    // program.
    std::map<Id, Entry> files_;
    std::atomic<bool> passed_over_{false};
    CandidateTrials trials_;
    DetachThread detaching_;
    AnalysisThread analysis_;  // last, so that it ends before what its results go to
};

}  // namespace llmsnoop::capture::live
