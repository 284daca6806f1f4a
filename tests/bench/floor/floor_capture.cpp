// floor_capture: the cheapest capture of OpenSSL's plaintext by uprobes, which only counts what it sees.
//
//   floor_capture LIBSSL [PID]      all processes that use LIBSSL, or one
//   READY                           once attached
//   {"events":…,"bytes":…,…}        at SIGINT or SIGTERM
//
// Uprobes are per file: LIBSSL should be a private copy.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "agent/base/fd.h"
#include "tests/bench/floor/floor_record.h"
#include "tests/bench/floor/probe_site.h"

#include "floor.skel.h"

namespace {

using namespace llmsnoop;

constexpr long kPollNanoseconds = 1'000'000;

struct Options {
    std::string libssl;
    int pid = -1;
    bool empty = false;
};

struct Seen {
    unsigned long events = 0;
    unsigned long bytes = 0;
    unsigned long truncated = 0;
};

volatile std::sig_atomic_t g_stop = 0;

int on_record(void* context, void* data, std::size_t) {
    auto& seen = *static_cast<Seen*>(context);
    const auto* record = static_cast<const floor_record*>(data);
    ++seen.events;
    seen.bytes += record->length;
    seen.truncated += record->length < record->true_length ? 1 : 0;
    return 0;
}

int quiet(libbpf_print_level level, const char* format, va_list arguments) {
    return level == LIBBPF_WARN ? std::vfprintf(stderr, format, arguments) : 0;
}

// A probe set on a page that is not in the page cache has made a kernel warn.
void warm(const std::string& path, std::uint64_t offset) {
    const base::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char byte;
    if (fd && pread(fd.get(), &byte, 1, static_cast<off_t>(offset)) == 1) return;
    std::fprintf(stderr, "floor_capture: cannot read %s\n", path.c_str());
}

bool attach(const Options& options, std::uint64_t offset, bpf_program* entry, bpf_program* ret) {
    warm(options.libssl, offset);
    return bpf_program__attach_uprobe(entry, false, options.pid, options.libssl.c_str(), offset) != nullptr &&
           bpf_program__attach_uprobe(ret, true, options.pid, options.libssl.c_str(), offset) != nullptr;
}

int fail(const std::string& message) {
    std::fprintf(stderr, "floor_capture: %s\n", message.c_str());
    return 1;
}

int run(const Options& options) {
    const auto sites = bench::find_internal_sites(options.libssl);
    if (!sites) return fail(sites.error().message);
    libbpf_set_print(quiet);
    floor_bpf* bpf = floor_bpf__open_and_load();
    if (bpf == nullptr) return fail("cannot load the programs");
    auto& programs = bpf->progs;
    const bool attached = attach(options, sites->read, options.empty ? programs.empty_entry : programs.on_entry,
                                 options.empty ? programs.empty_return : programs.on_read_return) &&
                          attach(options, sites->write, options.empty ? programs.empty_entry : programs.on_entry,
                                 options.empty ? programs.empty_return : programs.on_write_return);
    Seen seen;
    ring_buffer* ring = ring_buffer__new(bpf_map__fd(bpf->maps.ring), on_record, &seen, nullptr);
    if (!attached || ring == nullptr) return fail("cannot attach");

    std::printf("READY\n");
    std::fflush(stdout);
    const timespec pause{0, kPollNanoseconds};
    while (g_stop == 0) {
        nanosleep(&pause, nullptr);
        ring_buffer__consume(ring);
    }
    ring_buffer__consume(ring);

    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("{\"events\":%lu,\"bytes\":%lu,\"truncated\":%lu,\"lost\":%llu,\"cpu_s\":%.3f}\n", seen.events,
                seen.bytes, seen.truncated, static_cast<unsigned long long>(bpf->bss->lost),
                static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    ring_buffer__free(ring);
    floor_bpf__destroy(bpf);  // the links go with the process
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("The floor of what a uprobe capture of OpenSSL costs.");
    Options options;
    app.add_option("libssl", options.libssl, "the libssl.so.3 to watch: a private copy")->required();
    app.add_option("pid", options.pid, "one process only");
    app.add_flag("--empty", options.empty, "probes that do nothing");
    CLI11_PARSE(app, argc, argv);
    struct sigaction action {};
    action.sa_handler = [](int) { g_stop = 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return run(options);
}
