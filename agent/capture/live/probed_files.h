#pragma once
// The files that carry probes. Each is attached once, for all processes, whatever paths it is known by. Identity is the
// device and inode of the mapping as /proc/PID/maps shows it, which is what uprobes go by: on overlayfs and btrfs
// stat(2) says something else, and two containers with a layer in common would be probed twice. Files that nobody has
// mapped any more can be dropped.
//
// Thread-safe.
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/result.h"
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
    };

    explicit ProbedFiles(Programs& programs) : programs_(programs) {}

    // Looks at the file that `open_path` opens and attaches to it if it implements TLS. `path` is how people know it.
    // True if it carries probes now (or did before); false if it is of no interest. Each file is looked at once. `id`
    // where it is known.
    base::Result<bool> consider(const std::string& open_path, const std::string& path, std::optional<Id> id = {});

    // The same for a file that is to keep its probes whether or not anybody has it mapped.
    base::Result<bool> pin(const std::string& path);

    // Detaches from files that are neither in use nor pinned.
    void retain(const std::set<Id>& in_use);

    std::vector<Report> report() const;

 private:
    struct Entry {
        std::string path;
        std::vector<PlannedProbe> plan;
        std::vector<Probe> probes;
        bool pinned = false;
    };

    base::Result<bool> consider_locked(const std::string& open_path, const std::string& path, bool pinned);
    base::Result<void> attach(const std::string& fd_path, Entry& entry);

    Programs& programs_;
    mutable std::mutex mutex_;
    std::map<Id, Entry> files_;  // without probes: looked at, and of no interest
};

}  // namespace llmsnoop::capture::live
