#pragma once
// The few facts of /proc/PID that choosing what to probe needs. Everything is optional: processes come and go.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace llmsnoop::capture::live {

std::vector<std::uint32_t> running_processes();

struct ProcessStat {
    std::string comm;
    std::uint32_t ppid = 0;
    std::uint64_t start_boot_ns = 0;  // to the kernel's clock tick, not exact
};
std::optional<ProcessStat> read_stat(std::uint32_t pid);
std::optional<std::uint32_t> read_uid(std::uint32_t pid);  // real uid
std::optional<std::string> read_exe(std::uint32_t pid);
// The path in the cgroup2 hierarchy.
std::optional<std::string> read_cgroup2(std::uint32_t pid);

// A file as its mappings in /proc/PID/maps identify it: device (major << 32 | minor) and inode.
using FileId = std::pair<std::uint64_t, std::uint64_t>;

// The identity that a mapping of this open file would have.
std::optional<FileId> mapping_identity(int fd);

// The executable of a process; nothing if the process is gone.
std::optional<FileId> executable_of(std::uint32_t pid);

// The file of this program itself, of which no copy is ever traced: it holds the texts by which it knows TLS libraries.
const std::optional<FileId>& own_executable();

// A file with executable code that a process has mapped.
struct MappedFile {
    FileId id;
    std::string path;       // as the process sees it; may end in " (deleted)"
    std::string open_path;  // opens that very file, through /proc, whatever the process's root is
};
std::vector<MappedFile> mapped_files(std::uint32_t pid);

}  // namespace llmsnoop::capture::live
