#include "agent/capture/live/kernel_features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>

#include "agent/base/fd.h"
#include "agent/capture/live/mmap_watch.h"
#include "agent/capture/live/uprobe_link.h"

namespace llmsnoop::capture::live {

namespace {

using Btf = std::unique_ptr<btf, void (*)(btf*)>;

// The best first. fexit sees the bytes of io_uring too; the sockets' tracepoints see only that there were some, but
// cost the least, and return probes are missed where many calls wait.
constexpr PlainHook kPlainHooks[] = {PlainHook::fexit, PlainHook::tracepoint, PlainHook::kprobe, PlainHook::syscall};

void set(Feature& feature, bool available, std::string why) {
    feature.available = available;
    feature.why = available ? "" : std::move(why);
}

std::string errno_text(int code) {
    return std::strerror(code);
}

void try_map(Feature& feature, bpf_map_type type, unsigned key_size, unsigned value_size, unsigned entries) {
    const base::Fd fd(bpf_map_create(type, "llmsnoop_try", key_size, value_size, entries, nullptr));
    set(feature, static_cast<bool>(fd), errno_text(errno));
}

bool has_type(const btf* kernel, const char* name, unsigned kind) {
    return btf__find_by_name_kind(kernel, name, kind) > 0;
}

// Multi uprobes and uprobe sessions came together with values of enum bpf_attach_type.
bool has_attach_type(const btf* kernel, const char* wanted) {
    const int id = btf__find_by_name_kind(kernel, "bpf_attach_type", BTF_KIND_ENUM);
    const btf_type* type = id > 0 ? btf__type_by_id(kernel, static_cast<unsigned>(id)) : nullptr;
    if (type == nullptr) return false;
    const struct btf_enum* values = btf_enum(type);
    for (unsigned i = 0; i < btf_vlen(type); ++i) {
        const char* name = btf__name_by_offset(kernel, values[i].name_off);
        if (name != nullptr && std::strcmp(name, wanted) == 0) return true;
    }
    return false;
}

// A program that does nothing, loaded; no descriptor, and errno, if the kernel refuses it.
base::Fd load_nothing(bpf_prog_type type, const bpf_prog_load_opts& options) {
    const std::array<bpf_insn, 2> program{{
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    return base::Fd(bpf_prog_load(type, "llmsnoop_try", "GPL", program.data(), program.size(), &options));
}

// A program that returns at once, loaded for a function that every kernel has.
void try_fexit(Feature& feature) {
    const int target = libbpf_find_vmlinux_btf_id("tcp_sendmsg", BPF_TRACE_FEXIT);
    if (target < 0) {
        set(feature, false, "tcp_sendmsg is not in the kernel's BTF");
        return;
    }
    bpf_prog_load_opts options{};  // LIBBPF_OPTS is no standard C++
    options.sz = sizeof options;
    options.expected_attach_type = BPF_TRACE_FEXIT;
    options.attach_btf_id = static_cast<unsigned>(target);
    const base::Fd fd = load_nothing(BPF_PROG_TYPE_TRACING, options);
    set(feature, static_cast<bool>(fd), "BPF_PROG_LOAD: " + errno_text(errno));
    if (!fd) return;
    const base::Fd link(bpf_raw_tracepoint_open(nullptr, fd.get()));
    set(feature, static_cast<bool>(link), "attach: " + errno_text(errno));
}

// A tp_btf program, tried as the real one is loaded. `absent`: why there is no such tracepoint.
void try_tracepoint(Feature& feature, const btf* kernel, const char* type, const char* absent) {
    const int target = btf__find_by_name_kind(kernel, type, BTF_KIND_TYPEDEF);
    set(feature, target > 0, absent);
    if (target <= 0) return;
    bpf_prog_load_opts options{};
    options.sz = sizeof options;
    options.expected_attach_type = BPF_TRACE_RAW_TP;
    options.attach_btf_id = static_cast<unsigned>(target);
    const base::Fd fd = load_nothing(BPF_PROG_TYPE_TRACING, options);
    set(feature, static_cast<bool>(fd), "BPF_PROG_LOAD: " + errno_text(errno));
}

TcpFunctions look_at_tcp(const btf* kernel) {
    TcpFunctions out;
    out.sendpage = has_type(kernel, "tcp_sendpage", BTF_KIND_FUNC);
    out.splice_read = has_type(kernel, "tcp_splice_read", BTF_KIND_FUNC);
    const int id = btf__find_by_name_kind(kernel, "tcp_recvmsg", BTF_KIND_FUNC);
    const btf_type* function = id > 0 ? btf__type_by_id(kernel, static_cast<unsigned>(id)) : nullptr;
    const btf_type* prototype = function != nullptr ? btf__type_by_id(kernel, function->type) : nullptr;
    if (prototype != nullptr) out.receive_arguments = btf_vlen(prototype);
    return out;
}

// A file that is none: what the kernel says of it comes after what it says of its abilities and our rights.
void try_uprobe_multi(Feature& feature, bpf_attach_type type, const char* absent) {
    bpf_prog_load_opts options{};
    options.sz = sizeof options;
    options.expected_attach_type = type;
    const base::Fd fd = load_nothing(BPF_PROG_TYPE_KPROBE, options);
    if (!fd) return set(feature, false, errno == EINVAL ? absent : "BPF_PROG_LOAD: " + errno_text(errno));
    const base::Fd none(create_uprobe_link(fd.get(), type, 0, "/", 0));
    // A directory holds no probes: EBADF so far. What says no is named, so that another answer to it is no refusal.
    const int said = errno;
    const bool is_absent = said == EINVAL || said == EOPNOTSUPP || said == ENOSYS;
    const bool is_refused = said == EPERM || said == EACCES;
    set(feature, !is_absent && !is_refused, is_absent ? absent : "attach: " + errno_text(said));
}

// Likewise.
void try_uprobe(Feature& feature) {
    std::ifstream file("/sys/bus/event_source/devices/uprobe/type");
    perf_event_attr event{};
    if (!(file >> event.type)) return set(feature, false, "the kernel has no uprobe PMU (CONFIG_UPROBE_EVENTS)");
    event.size = sizeof event;
    event.uprobe_path = reinterpret_cast<std::uintptr_t>("/proc/self/no-such-file");
    const base::Fd fd(static_cast<int>(::syscall(SYS_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
    const bool is_right = errno == EACCES || errno == EPERM;
    set(feature, errno == ENOENT,
        "perf_event_open: " + errno_text(errno) + (is_right ? " (CAP_PERFMON, or by now CAP_SYS_ADMIN)" : ""));
}

// Of capabilities(7): the effective ones, by their numbers.
std::uint64_t capabilities() {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        std::uint64_t out = 0;
        if (word == "CapEff:" && file >> std::hex >> out) return out;
    }
    return ~std::uint64_t{0};  // nobody says so
}

bool has(std::uint64_t all, unsigned capability) {
    return (all >> capability & 1U) != 0;
}

void by_file(Feature& feature, const char* path, const char* why) {
    set(feature, access(path, R_OK) == 0, why);
}

}  // namespace

std::string_view name_of(UprobeWay value) {
    switch (value) {
        case UprobeWay::perf_event:
            return "uprobe and uretprobe";
        case UprobeWay::multi:
            return "uprobe multi";
        case UprobeWay::session:
            return "uprobe session";
    }
    return "?";
}

std::string_view name_of(SocketHook value) {
    switch (value) {
        case SocketHook::none:
            return "none";
        case SocketHook::tracepoint:
            return "tracepoint";
        case SocketHook::fexit:
            return "fexit";
        case SocketHook::kprobe:
            return "kprobe";
    }
    return "?";
}

std::optional<SocketHook> socket_hook_named(std::string_view name) {
    for (const SocketHook one : {SocketHook::none, SocketHook::tracepoint, SocketHook::fexit, SocketHook::kprobe}) {
        if (name == name_of(one)) return one;
    }
    return std::nullopt;
}

std::string_view name_of(PlainHook value) {
    switch (value) {
        case PlainHook::none:
            return "off";
        case PlainHook::fexit:
            return "fexit";
        case PlainHook::tracepoint:
            return "tracepoint";
        case PlainHook::kprobe:
            return "kprobe";
        case PlainHook::syscall:
            return "syscall";
    }
    return "?";
}

std::optional<PlainHook> plain_hook_named(std::string_view name) {
    for (const PlainHook one : kPlainHooks) {
        if (name == name_of(one)) return one;
    }
    if (name == name_of(PlainHook::none)) return PlainHook::none;
    return std::nullopt;
}

std::vector<UprobeWay> KernelFeatures::uprobe_ways() const {
    std::vector<UprobeWay> out;
    if (uprobe_session.available) out.push_back(UprobeWay::session);
    if (uprobe_multi.available) out.push_back(UprobeWay::multi);
    if (uprobe.available || out.empty()) out.push_back(UprobeWay::perf_event);
    return out;
}

std::vector<PlainHook> KernelFeatures::plain_hooks() const {
    std::vector<PlainHook> out;
    for (const PlainHook one : kPlainHooks) {
        if (plain_hook(one)) out.push_back(one);
    }
    out.push_back(PlainHook::none);
    return out;
}

base::Result<PlainHook> KernelFeatures::plain_hook(PlainHook wanted) const {
    const Feature* feature = wanted == PlainHook::fexit        ? &fexit
                             : wanted == PlainHook::tracepoint ? &socket_tracepoints
                             : wanted == PlainHook::kprobe     ? &kprobe
                             : wanted == PlainHook::syscall    ? &syscall_tracepoints
                                                               : nullptr;
    if (feature == nullptr || feature->available) return wanted;
    return base::error("plain TCP by " + feature->name + ": " + feature->why, base::Error::Kind::unsupported);
}

std::string KernelFeatures::why_not_better(PlainHook used) const {
    std::string out;
    for (const PlainHook better : kPlainHooks) {
        if (better == used) break;
        const auto possible = plain_hook(better);
        if (possible) continue;
        if (!out.empty()) out += "; ";
        out += possible.error().message;
    }
    return out;
}

SocketHook KernelFeatures::socket_hook() const {
    if (socket_tracepoints.available) return SocketHook::tracepoint;
    if (fexit.available) return SocketHook::fexit;
    return kprobe.available ? SocketHook::kprobe : SocketHook::none;
}

base::Result<SocketHook> KernelFeatures::socket_hook(SocketHook wanted) const {
    const Feature* feature = wanted == SocketHook::tracepoint ? &socket_tracepoints
                             : wanted == SocketHook::fexit    ? &fexit
                             : wanted == SocketHook::kprobe   ? &kprobe
                                                              : nullptr;
    if (feature == nullptr || feature->available) return wanted;
    return base::error("socket hook " + feature->name + ": " + feature->why, base::Error::Kind::unsupported);
}

std::string KernelFeatures::out_of_reach() const {
    std::string out;
    for (const Feature* one : {&other_processes, &other_files}) {
        if (!one->available) out += (out.empty() ? "" : "; ") + one->why;
    }
    return out;
}

std::vector<const Feature*> KernelFeatures::all() const {
    return {&bpf,
            &btf,
            &ring_buffer,
            &tracing_programs,
            &uprobe,
            &uprobe_multi,
            &uprobe_session,
            &socket_tracepoints,
            &fexit,
            &kprobe,
            &syscall_tracepoints,
            &mmap_events,
            &other_processes,
            &other_files};
}

KernelFeatures detect_kernel_features() {
    KernelFeatures out;
    utsname name{};
    if (uname(&name) == 0) out.release = name.release;

    try_map(out.bpf, BPF_MAP_TYPE_ARRAY, 4, 4, 1);
    try_map(out.ring_buffer, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
    by_file(out.btf, "/sys/kernel/btf/vmlinux",
            "/sys/kernel/btf/vmlinux is missing: a kernel with CONFIG_DEBUG_INFO_BTF is needed");
    try_uprobe(out.uprobe);
    by_file(out.kprobe, "/sys/bus/event_source/devices/kprobe/type", "the kernel is built without kprobes");
    if (out.btf.available) {
        const Btf kernel(btf__load_vmlinux_btf(), btf__free);
        if (!kernel) set(out.btf, false, "/sys/kernel/btf/vmlinux cannot be understood: " + errno_text(errno));
        const bool multi = kernel && has_attach_type(kernel.get(), "BPF_TRACE_UPROBE_MULTI");
        const char* const no_multi = "needs Linux 6.6; perf events are used instead";
        set(out.uprobe_multi, multi, no_multi);
        if (multi) try_uprobe_multi(out.uprobe_multi, kUprobeMulti, no_multi);
        const bool sessions = multi && has_attach_type(kernel.get(), "BPF_TRACE_UPROBE_SESSION");
        const char* const no_sessions = "needs Linux 6.13; entry and return probes are used instead";
        set(out.uprobe_session, sessions, no_sessions);
        if (sessions) try_uprobe_multi(out.uprobe_session, kUprobeSession, no_sessions);
        try_fexit(out.fexit);
        if (kernel) {
            try_tracepoint(out.tracing_programs, kernel.get(), "btf_trace_sched_process_exit", "no sched_process_exit");
            try_tracepoint(out.socket_tracepoints, kernel.get(), "btf_trace_sock_recv_length", "needs Linux 6.3");
            try_tracepoint(out.syscall_tracepoints, kernel.get(), "btf_trace_sys_exit",
                           "the kernel is built without CONFIG_FTRACE_SYSCALLS");
            out.tcp = look_at_tcp(kernel.get());
        }
    }
    const std::uint64_t rights = capabilities();
    set(out.other_processes, has(rights, CAP_SYS_PTRACE),
        "CAP_SYS_PTRACE is missing: other users' processes are not seen");
    set(out.other_files, has(rights, CAP_DAC_READ_SEARCH) || has(rights, CAP_DAC_OVERRIDE),
        "CAP_DAC_READ_SEARCH is missing: libraries in private directories are not seen");
    const auto watch = MmapWatch::open();
    set(out.mmap_events, static_cast<bool>(watch), watch ? "" : watch.error().message);
    return out;
}

base::Result<void> require_tracing(const KernelFeatures& features) {
    using Kind = base::Error::Kind;
    const auto not_allowed = [](const std::string& what, const Feature& feature) {
        return base::error(what + " is not allowed (" + feature.why +
                               "): run as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
                           Kind::privilege);
    };
    if (!features.bpf.available) return not_allowed("BPF", features.bpf);
    for (const Feature* one : {&features.btf, &features.ring_buffer}) {
        if (!one->available) return base::error(one->name + ": " + one->why, Kind::unsupported);
    }
    if (!features.tracing_programs.available) return not_allowed("tracing by BPF", features.tracing_programs);
    // Links of their own do without the PMU.
    if (features.uprobe_multi.available || features.uprobe_session.available || features.uprobe.available) return {};
    return base::error(features.uprobe.name + ": " + features.uprobe.why, Kind::unsupported);
}

}  // namespace llmsnoop::capture::live
