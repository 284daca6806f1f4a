#pragma once
// The writing end of an audit log: whole lines, appended to the newest file, rotated, synchronised and retired by rule.
//
// A line is written by one write(2) to a file opened with O_APPEND. If the file system takes only a part of it, the
// part is cut off again; if that fails too, the file is left as it is and the next line begins a new one. So a line
// without a line feed can only be the last of its file, whatever happens: a full disk, SIGKILL, a power cut.
//
// One directory has one writer: it holds a lock (flock(2)) on the directory. Not thread-safe, but for the reopen flag.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "exporters/audit/audit_files.h"
#include "exporters/audit/chain.h"

namespace llmsnoop::exporters {

struct AuditLogOptions {
    // `always`: a line is on the disk before the next one is taken (fdatasync(2) each). `interval`: what is older than
    // `sync_interval` is. `never`: when the kernel sees fit.
    enum class Sync : std::uint8_t { always, interval, never };

    std::string directory = "/var/log/llmsnoop";  // made, with mode 0750, if it does not exist
    Sync sync = Sync::interval;
    base::Duration sync_interval = std::chrono::seconds(1);
    std::uint64_t file_bytes = 64U << 20;               // a file is not begun to be filled beyond this; 0: no limit
    base::Duration file_age = std::chrono::hours(24);   // nor after this; 0: no limit
    std::uint64_t keep_bytes = std::uint64_t{4} << 30;  // the oldest files beyond it are deleted; 0: keep all
    std::uint64_t keep_files = 0;                       // likewise
    base::Time (*clock)() = &base::now;
};

class AuditLog {
 public:
    // Finds the end of the chain in what is there, and opens the file that comes next: the newest, if it ends in a
    // whole line and has room, or a new one.
    static base::Result<std::unique_ptr<AuditLog>> open(AuditLogOptions options);

    // Where the chain went on from when the log was opened: the newest line, or a link with `seq` 0 and the chain's
    // start.
    const ChainLink& head() const { return head_; }

    // Appends a line; the line feed is added. After an error nothing of it is in the file, and it may be offered again.
    base::Result<void> append(std::string& line);

    // What comes due with time: synchronisation, and a new file if the present one was moved, removed or given up. Also
    // tells of a synchronisation that failed since the last call.
    base::Result<void> maintain();

    // Makes everything durable that was appended, unless the rule is `never`. Whether that failed, and why, is told
    // once: by the next `maintain` or here.
    void sync();
    std::optional<base::Error> take_sync_error() { return std::exchange(sync_error_, std::nullopt); }

    // Set it, from any thread and as long as one likes, and the log goes on in a new file with the next line or
    // `maintain`. For log rotation from outside (SIGHUP).
    using ReopenFlag = std::shared_ptr<std::atomic<bool>>;
    ReopenFlag reopen_flag() const { return reopen_; }

    const std::string& path() const { return path_; }

 private:
    AuditLog(AuditLogOptions options, base::Fd directory);

    base::Result<void> find_head();
    base::Result<void> begin_file();
    base::Result<void> adopt(const AuditFile& file);
    base::Result<void> rotate_if_due(std::uint64_t line_bytes);
    bool take_back(std::size_t written);
    void retire_old_files();
    bool is_displaced() const;

    AuditLogOptions options_;
    base::Fd directory_;  // holds the lock
    ChainLink head_;
    AuditFile newest_;  // by name, whether it still exists or not
    base::Fd file_;
    std::string path_;
    std::uint64_t bytes_ = 0;
    base::Time begun_;
    base::Time synced_;
    bool dirty_ = false;
    std::optional<base::Error> sync_error_;
    const ReopenFlag reopen_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace llmsnoop::exporters
