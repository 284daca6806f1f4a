// What is found in executables without symbols, where, how fast, and with how much memory: one line for each file.
//
//   stripped_table FILE...
//
// Each file is looked at in a process of its own, so that the memory is its own. Columns: what was found (or "-", or
// "REFUSED" and why), time, memory at most (the pages of the file that were read are most of it), memory of its own,
// size of the file.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "agent/capture/live/stripped_finder.h"

namespace {

using namespace llmsnoop;
using namespace llmsnoop::capture::live;

constexpr double kMega = 1 << 20;

double own_memory_mb() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("RssAnon:", 0) == 0) return std::stod(line.substr(8)) / 1024;
    }
    return 0;
}

std::string describe(const StrippedTls& found) {
    if (found.libraries.empty()) return "-";
    std::string out = names_of(found.libraries);
    for (const PlannedProbe& one : found.probes)
        out += fmt::format(" {}=0x{:x}{}", one.function, one.site.address, one.site.emulated ? "" : "(dear)");
    if (!found.refusal.empty()) out += " REFUSED: " + found.refusal;
    return out;
}

int look_at(const char* path) {
    using Clock = std::chrono::steady_clock;
    const double before = own_memory_mb();
    const auto begin = Clock::now();
    const auto file = ElfFile::open(path);
    const StrippedTls found = file && may_hold_stripped_tls(**file) ? find_stripped_tls(**file) : StrippedTls{};
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    struct stat info {};
    stat(path, &info);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    fmt::print("{}  {}  {:.0f} ms  {:.0f} MB  {:.1f} MB own  file {:.0f} MB\n", path, describe(found), took.count(),
               static_cast<double>(usage.ru_maxrss) / 1024, own_memory_mb() - before,
               static_cast<double>(info.st_size) / kMega);
    std::fflush(stdout);
    return 0;
}

}  // namespace

int main(int count, char** paths) {
    for (int i = 1; i < count; ++i) {
        const pid_t child = fork();
        if (child == 0) _exit(look_at(paths[i]));
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            fmt::print(stderr, "{}: looking at it failed ({})\n", paths[i], status);
            return 1;
        }
    }
    return 0;
}
