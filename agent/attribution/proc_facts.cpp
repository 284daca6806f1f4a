#include "agent/attribution/proc_facts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "agent/attribution/container_id.h"
#include "agent/base/sha256.h"

namespace llmsnoop::attribution {

namespace {

std::int64_t clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    // Not an istreambuf_iterator, which throws when the process ends between the opening and the reading.
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// Field 22 of proc(5)'s stat, in nanoseconds since boot, exact to a clock tick.
std::optional<std::uint64_t> start_of(std::uint32_t pid) {
    const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
    if (!stat) return std::nullopt;
    const std::size_t close = stat->rfind(')');
    if (close == std::string::npos) return std::nullopt;
    std::istringstream fields(stat->substr(close + 1));
    std::string field;
    for (int number = 3; fields >> field; ++number) {
        if (number == 22)
            return std::strtoull(field.c_str(), nullptr, 10) *
                   (1'000'000'000ULL / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
    }
    return std::nullopt;
}

std::string exe_of(std::uint32_t pid) {
    std::array<char, 4096> target{};
    const ssize_t size = readlink(fmt::format("/proc/{}/exe", pid).c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

bool complete_from_proc(model::Process& process) {
    const std::int64_t boot_to_wall = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
    process.start_time = base::time_from_unix_ns(static_cast<std::int64_t>(process.key.start_boot_ns) + boot_to_wall);

    const std::uint32_t pid = process.key.pid;
    const auto start = start_of(pid);
    const std::uint64_t tick = 1'000'000'000ULL / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    if (!start || (process.key.start_boot_ns != 0 && *start / tick != process.key.start_boot_ns / tick)) return false;
    std::string exe = exe_of(pid);
    const auto cgroups = read_file(fmt::format("/proc/{}/cgroup", pid));
    const auto arguments = read_file(fmt::format("/proc/{}/cmdline", pid));
    if (start_of(pid) != start) return false;  // the number has become another process's meanwhile
    if (!exe.empty()) process.exe = std::move(exe);
    if (cgroups) process.cgroup = better_cgroup(process.cgroup, cgroup_of_proc(*cgroups));
    if (arguments && !arguments->empty()) process.args_sha256 = base::sha256_hex(*arguments);
    return true;
}

}  // namespace llmsnoop::attribution
