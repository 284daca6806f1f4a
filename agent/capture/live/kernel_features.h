#pragma once
// What this kernel and these privileges allow, found out by trying the smallest thing that shows it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::capture::live {

struct Feature {
    std::string name;
    bool available = false;
    std::string why;  // the error where it is not available, else empty
};

enum class SocketHook : std::uint8_t { none, tracepoint, fexit, kprobe };
std::string_view name_of(SocketHook value);
// Nothing for any other text, such as "auto".
std::optional<SocketHook> socket_hook_named(std::string_view name);

// How the bytes of plain TCP are seen (bpf/plain_tcp.bpf.c).
enum class PlainHook : std::uint8_t { none, fexit, tracepoint, kprobe, syscall };
std::string_view name_of(PlainHook value);
// Nothing for any other text, such as "auto"; "off" is none.
std::optional<PlainHook> plain_hook_named(std::string_view name);

// How probes of user space are attached: by perf events, of which the kernel asks CAP_SYS_ADMIN by now (6.16, and
// stable kernels since July 2025); by links of their own, for which CAP_BPF and CAP_PERFMON do (6.6); or by one link
// for entry and return (6.13).
enum class UprobeWay : std::uint8_t { perf_event, multi, session };
std::string_view name_of(UprobeWay value);

// What the programs must know of the kernel's own functions.
struct TcpFunctions {
    unsigned receive_arguments = 0;  // of tcp_recvmsg; 0: not known
    bool sendpage = false;           // tcp_sendpage(): before 6.5
    bool splice_read = false;
};

struct KernelFeatures {
    std::string release;
    Feature bpf{"bpf", false, ""};                                // loading programs and maps at all
    Feature btf{"btf", false, ""};                                // /sys/kernel/btf/vmlinux
    Feature ring_buffer{"ring_buffer", false, ""};                // 5.8
    Feature tracing_programs{"tracing_programs", false, ""};      // loading those that trace, which is one more right
    Feature uprobe{"uprobe", false, ""};                          // the uprobe PMU, and the right to use it
    Feature uprobe_multi{"uprobe_multi", false, ""};              // 6.6
    Feature uprobe_session{"uprobe_session", false, ""};          // 6.13
    Feature socket_tracepoints{"socket_tracepoints", false, ""};  // 6.3
    Feature fexit{"fexit", false, ""};
    Feature kprobe{"kprobe", false, ""};
    Feature syscall_tracepoints{"syscall_tracepoints", false, ""};
    Feature mmap_events{"mmap_events", false, ""};
    Feature other_processes{"other_processes", false, ""};  // looking into them, whoever runs them
    Feature other_files{"other_files", false, ""};          // and at their libraries, wherever they are
    TcpFunctions tcp;

    // Those that this kernel has, the best first. Never empty.
    std::vector<UprobeWay> uprobe_ways() const;
    // The best of the ways to see a socket's sends and receives.
    SocketHook socket_hook() const;
    // The wanted one, if this kernel has it.
    base::Result<SocketHook> socket_hook(SocketHook wanted) const;
    // Likewise for plain TCP: those that this kernel has, the best first, and then none.
    std::vector<PlainHook> plain_hooks() const;
    base::Result<PlainHook> plain_hook(PlainHook wanted) const;
    // The better ones than `used` that this kernel refuses, each with the reason; empty if there are none.
    std::string why_not_better(PlainHook used) const;
    // What of the node tracing cannot reach, and why; empty if nothing.
    std::string out_of_reach() const;
    std::vector<const Feature*> all() const;
};

KernelFeatures detect_kernel_features();

// Nothing if tracing can work; otherwise what is missing and what to do about it.
base::Result<void> require_tracing(const KernelFeatures& features);

}  // namespace llmsnoop::capture::live
