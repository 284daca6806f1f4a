#include "agent/capture/live/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "agent/base/fd.h"

namespace llmsnoop::capture::live {

namespace {

template <typename Number>
std::optional<Number> number(std::string_view text, int radix = 10) {
    Number out{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, radix);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path);
    if (!in) return std::nullopt;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

}  // namespace

std::vector<std::uint32_t> running_processes() {
    std::vector<std::uint32_t> out;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/proc"), closedir);
    if (!dir) return out;
    while (const dirent* entry = readdir(dir.get())) {
        if (const auto pid = number<std::uint32_t>(entry->d_name)) out.push_back(*pid);
    }
    return out;
}

std::optional<ProcessStat> read_stat(std::uint32_t pid) {
    const auto text = read_file(fmt::format("/proc/{}/stat", pid));
    if (!text) return std::nullopt;
    // proc(5): "pid (comm) state ppid ... starttime", and comm may hold anything, so count from the last parenthesis.
    const std::size_t open = text->find('(');
    const std::size_t close = text->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
    ProcessStat out;
    out.comm = text->substr(open + 1, close - open - 1);
    std::istringstream rest(text->substr(close + 1));
    std::string field;
    constexpr int kPpid = 2;  // fields behind comm, counted from 1
    constexpr int kStartTime = 20;
    for (int i = 1; rest >> field; ++i) {
        if (i == kPpid) out.ppid = number<std::uint32_t>(field).value_or(0);
        if (i == kStartTime) {
            const auto ticks = number<std::uint64_t>(field);
            if (!ticks) return std::nullopt;
            out.start_boot_ns = *ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
            return out;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> read_uid(std::uint32_t pid) {
    std::ifstream in(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("Uid:", 0) != 0) continue;
        std::istringstream fields(line.substr(4));
        std::uint32_t uid = 0;
        if (fields >> uid) return uid;
    }
    return std::nullopt;
}

std::optional<std::string> read_exe(std::uint32_t pid) {
    std::array<char, 4096> target{};
    const ssize_t size = readlink(fmt::format("/proc/{}/exe", pid).c_str(), target.data(), target.size());
    if (size <= 0) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(size));
}

std::optional<std::string> read_cgroup2(std::uint32_t pid) {
    std::ifstream in(fmt::format("/proc/{}/cgroup", pid));
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("0::", 0) == 0) return line.substr(3);
    }
    return std::nullopt;
}

namespace {

// A line of /proc/PID/maps: "start-end perms offset major:minor inode   path".
struct MapsLine {
    std::string range;
    std::string permissions;
    FileId id;
    std::string path;
};

std::optional<MapsLine> parse_maps_line(const std::string& line) {
    std::istringstream fields(line);
    MapsLine out;
    std::string offset, device;
    if (!(fields >> out.range >> out.permissions >> offset >> device >> out.id.second) || out.id.second == 0)
        return std::nullopt;
    const std::size_t colon = device.find(':');
    const std::size_t slash = line.find('/');
    if (colon == std::string::npos || slash == std::string::npos) return std::nullopt;
    const auto major = number<std::uint64_t>(std::string_view(device).substr(0, colon), 16);
    const auto minor = number<std::uint64_t>(std::string_view(device).substr(colon + 1), 16);
    if (!major || !minor) return std::nullopt;
    out.id.first = *major << 32 | *minor;
    out.path = line.substr(slash);
    return out;
}

}  // namespace

std::optional<FileId> mapping_identity(int fd) {
    constexpr std::size_t kSize = 4096;
    void* memory = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED) return std::nullopt;
    const std::string start = fmt::format("{:x}-", reinterpret_cast<std::uintptr_t>(memory));
    std::optional<FileId> out;
    std::ifstream in("/proc/self/maps");
    for (std::string line; !out && std::getline(in, line);) {
        if (line.rfind(start, 0) != 0) continue;
        if (const auto parsed = parse_maps_line(line)) out = parsed->id;
    }
    munmap(memory, kSize);
    return out;
}

std::optional<FileId> executable_of(std::uint32_t pid) {
    const base::Fd file(open(fmt::format("/proc/{}/exe", pid).c_str(), O_RDONLY | O_CLOEXEC));
    return file ? mapping_identity(file.get()) : std::nullopt;
}

const std::optional<FileId>& own_executable() {
    static const std::optional<FileId> id = executable_of(static_cast<std::uint32_t>(getpid()));
    return id;
}

std::vector<MappedFile> mapped_files(std::uint32_t pid) {
    std::vector<MappedFile> out;
    std::set<FileId> seen;
    std::ifstream in(fmt::format("/proc/{}/maps", pid));
    for (std::string line; std::getline(in, line);) {
        auto parsed = parse_maps_line(line);
        if (!parsed || parsed->permissions.size() < 3 || parsed->permissions[2] != 'x') continue;
        if (!seen.insert(parsed->id).second) continue;
        out.push_back({parsed->id, std::move(parsed->path), fmt::format("/proc/{}/map_files/{}", pid, parsed->range)});
    }
    return out;
}

}  // namespace llmsnoop::capture::live
