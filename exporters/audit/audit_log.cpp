#include "exporters/audit/audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/base/log.h"

namespace llmsnoop::exporters {

namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;
constexpr std::uint32_t kNameAttempts = 100;

base::Error failed(const std::string& path) {
    return base::system_error("audit log " + path);
}

base::Result<base::Fd> lock_directory(const std::string& path) {
    std::error_code problem;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), problem);
    if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return failed(path);
    base::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return failed(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return base::error("audit log " + path + ": another agent writes here");
        return failed(path);
    }
    return fd;
}

// Writes all of it, or says how much was taken before it failed (errno).
std::size_t write_all(int fd, std::string_view text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        done += static_cast<std::size_t>(written);
    }
    return done;
}

}  // namespace

AuditLog::AuditLog(AuditLogOptions options, base::Fd directory)
    : options_(std::move(options)), directory_(std::move(directory)), head_{0, {}, chain_start()} {}

base::Result<std::unique_ptr<AuditLog>> AuditLog::open(AuditLogOptions options) {
    auto directory = lock_directory(options.directory);
    if (!directory) return directory.error();
    std::unique_ptr<AuditLog> log(new AuditLog(std::move(options), std::move(*directory)));
    if (auto found = log->find_head(); !found) return found.error();
    if (!log->file_) {
        if (auto begun = log->begin_file(); !begun) return begun.error();
    }
    log->retire_old_files();
    return log;
}

// The chain's end is the highest number anywhere, not the newest name: the clock may have been set back.
base::Result<void> AuditLog::find_head() {
    const auto files = list_audit_files(options_.directory);
    if (!files) return files.error();
    bool newest_ends_chain = true;
    for (const AuditFile& file : *files) {
        const auto tail = read_audit_tail(file.path);
        if (!tail) return tail.error();
        const bool ends_chain = tail->last && tail->last->seq > head_.seq;
        if (ends_chain) head_ = *tail->last;
        newest_ends_chain = !tail->torn && (ends_chain || file.bytes == 0);
    }
    if (files->empty()) return {};
    newest_ = files->back();
    return newest_ends_chain ? adopt(newest_) : base::Result<void>();
}

base::Result<void> AuditLog::adopt(const AuditFile& file) {
    base::Fd fd(::open(file.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return failed(file.path);
    file_ = std::move(fd);
    path_ = file.path;
    bytes_ = file.bytes;
    synced_ = options_.clock();
    begun_ = std::min(file.begun, synced_);
    return {};
}

base::Result<void> AuditLog::begin_file() {
    const base::Time now = options_.clock();
    // Names rise even if the clock is set back or older files of the same second are gone, because the order of names
    // is the order in which files are retired.
    std::string stamp = audit_stamp(now);
    std::uint32_t number = 0;
    if (stamp <= newest_.stamp) {
        stamp = newest_.stamp;
        number = newest_.number + 1;
    }
    base::Fd fd;
    std::string path;
    for (const std::uint32_t end = number + kNameAttempts; !fd && number < end; ++number) {
        path = audit_path(options_.directory, stamp, number);
        fd.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
        newest_ = {path, stamp, number, 0, now};
        if (!fd && errno != EEXIST) break;
    }
    if (!fd) return failed(path);
    // Whatever the umask is. Where modes cannot be set, the one from open(2) has to do.
    [[maybe_unused]] const int changed = ::fchmod(fd.get(), kFileMode);
    if (options_.sync != AuditLogOptions::Sync::never) ::fsync(directory_.get());
    file_ = std::move(fd);
    path_ = std::move(path);
    bytes_ = 0;
    begun_ = now;
    synced_ = now;
    dirty_ = false;
    return {};
}

base::Result<void> AuditLog::append(std::string& line) {
    line.push_back('\n');
    if (auto rotated = rotate_if_due(line.size()); !rotated) {
        line.pop_back();
        return rotated;
    }
    const std::size_t written = write_all(file_.get(), line);
    const bool whole = written == line.size();
    const int problem = errno;
    line.pop_back();
    if (!whole) {
        if (written != 0 && !take_back(written)) file_.reset();
        return base::system_error("audit log " + path_, problem);
    }
    bytes_ += written;
    dirty_ = true;
    if (options_.sync == AuditLogOptions::Sync::always) sync();
    return {};
}

// Cuts off the part of a line that was written last.
bool AuditLog::take_back(std::size_t written) {
    struct stat facts {};
    if (::fstat(file_.get(), &facts) != 0 || facts.st_size < static_cast<off_t>(written)) return false;
    return ::ftruncate(file_.get(), facts.st_size - static_cast<off_t>(written)) == 0;
}

base::Result<void> AuditLog::rotate_if_due(std::uint64_t line_bytes) {
    const bool asked = reopen_->exchange(false, std::memory_order_relaxed);
    const bool full = options_.file_bytes != 0 && bytes_ != 0 && bytes_ + line_bytes > options_.file_bytes;
    const bool aged = options_.file_age != base::Duration(0) && options_.clock() - begun_ >= options_.file_age;
    const bool old = bytes_ != 0 && aged;
    if (file_ && !asked && !full && !old) return {};
    sync();
    file_.reset();
    if (auto begun = begin_file(); !begun) return begun;
    retire_old_files();
    return {};
}

base::Result<void> AuditLog::maintain() {
    if (file_ && is_displaced()) reopen_->store(true, std::memory_order_relaxed);
    if (!file_ || reopen_->load(std::memory_order_relaxed)) {
        if (auto rotated = rotate_if_due(0); !rotated) return rotated;
    }
    const bool due = options_.clock() - synced_ >= options_.sync_interval;
    if (options_.sync == AuditLogOptions::Sync::interval && due) sync();
    if (auto error = take_sync_error()) return *error;
    return {};
}

void AuditLog::sync() {
    if (!dirty_ || !file_ || options_.sync == AuditLogOptions::Sync::never) return;
    synced_ = options_.clock();
    // After an error the kernel may have dropped the pages and will not tell again: the lines are in the file, and
    // whether they are on the disk is not known.
    dirty_ = false;
    if (::fdatasync(file_.get()) != 0) sync_error_ = failed(path_);
}

bool AuditLog::is_displaced() const {
    struct stat by_name {};
    struct stat by_fd {};
    if (::fstat(file_.get(), &by_fd) != 0) return true;
    if (::stat(path_.c_str(), &by_name) != 0) return true;
    return by_name.st_ino != by_fd.st_ino || by_name.st_dev != by_fd.st_dev;
}

void AuditLog::retire_old_files() {
    if (options_.keep_bytes == 0 && options_.keep_files == 0) return;
    const auto files = list_audit_files(options_.directory);
    if (!files) return base::log::warn("audit log: {}", files.error().message);
    std::uint64_t bytes = 0;
    for (const AuditFile& file : *files)
        bytes += file.bytes;
    std::uint64_t count = files->size();
    for (const AuditFile& file : *files) {
        const bool too_much = (options_.keep_bytes != 0 && bytes > options_.keep_bytes) ||
                              (options_.keep_files != 0 && count > options_.keep_files);
        if (!too_much) break;
        if (file.path == path_) continue;
        if (::unlink(file.path.c_str()) != 0) base::log::warn("{}", failed(file.path).message);
        bytes -= file.bytes;
        --count;
    }
}

}  // namespace llmsnoop::exporters
