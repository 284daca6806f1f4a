#pragma once
// The kernel side, loaded: which programs are used on this kernel, their maps, and the probes on files.
//
// Everything is released on destruction, and by the kernel if the agent is killed: links and maps live as long as their
// file descriptors, nothing is pinned. Methods are thread-safe unless said otherwise.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/capture/live/kernel_features.h"
#include "agent/capture/live/selection.h"
#include "agent/capture/live/tls_hooks.h"
#include "agent/model/connection.h"

struct bpf_program;
struct llmsnoop_bpf;

namespace llmsnoop::capture::live {

struct ProgramOptions {
    Selection selection;
    unsigned rings = 1;                     // a power of two, at most 16
    std::size_t ring_bytes = 64U << 20;     // of all rings together
    std::uint64_t call_limit = 16U << 20;   // bytes captured of one call; 32 MiB at most
    std::optional<SocketHook> socket_hook;  // absent: the best there is
    std::optional<PlainHook> plain_hook;    // likewise; none: plain TCP is not captured
    // Nobody will look at the bytes and mute what is no HTTP: of a TCP connection that was in use before, nothing is
    // wanted until it looks like it.
    bool nobody_mutes = false;
};

// An attached probe; detaches on destruction. Not thread-safe.
class Probe {
 public:
    Probe() = default;
    Probe(Probe&&) noexcept;
    Probe& operator=(Probe&&) noexcept;
    ~Probe();

 private:
    friend class Programs;
    std::vector<int> fds_;      // raw links
    std::vector<void*> links_;  // bpf_link*
};

class Programs {
 public:
    // Loads the programs, without attaching any. On failure the error holds the end of the verifier's or libbpf's
    // message.
    static base::Result<std::unique_ptr<Programs>> load(const KernelFeatures& features, const ProgramOptions& options);
    ~Programs();
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    // Attaches the hooks on processes and sockets. Then, and only then, processes that run already can be told of:
    // those that are traced because an ancestor was selected. The others the kernel programs find by themselves.
    base::Result<void> attach_hooks();
    void mark_selected(std::uint32_t pid);

    // Attaches one hook at a file offset, for all processes. `path` must stay valid only during the call.
    base::Result<Probe> attach(TlsHook hook, const std::string& path, std::uint64_t file_offset);

    int ring_fd(unsigned index) const { return rings_[index]; }
    unsigned rings() const { return static_cast<unsigned>(rings_.size()); }

    // Bytes before `until` are not wanted. The programs remember that: a mute can grow, but not shrink. Whole
    // connection gone: forget.
    void mute(model::ConnectionId connection, model::Direction direction, std::uint64_t until);
    void forget(model::ConnectionId connection);

    // Drops what is kept of the goroutines of processes that are gone: nothing tells the kernel programs when one ends.
    // Every now and then, from one thread.
    void forget_ended_goroutines();

    // Kernel loss counters by enum wire_loss, summed over CPUs.
    std::vector<std::uint64_t> losses() const;

    // How often the kernel (5.12) did not run one of the programs, because that one was preempted on the same CPU.
    std::uint64_t skipped_runs() const;

    UprobeWay uprobe_way() const { return uprobe_way_; }
    SocketHook socket_hook() const { return socket_hook_; }
    PlainHook plain_hook() const { return plain_hook_; }

 private:
    Programs() = default;
    base::Result<void> open_and_load(const KernelFeatures& features, const ProgramOptions& options, UprobeWay way,
                                     PlainHook plain);
    base::Result<void> attach_hook(bpf_program* program, std::vector<void*>& links);
    base::Result<void> attach_plain();
    base::Result<void> make_rings(const ProgramOptions& options);
    base::Result<void> fill_selection(const Selection& selection);
    bool is_running(std::uint32_t pid) const;

    llmsnoop_bpf* skeleton_ = nullptr;
    std::vector<int> rings_;
    UprobeWay uprobe_way_ = UprobeWay::perf_event;
    SocketHook socket_hook_ = SocketHook::none;
    PlainHook plain_hook_ = PlainHook::none;
    bool plain_is_asked_for_ = false;  // by its name: it is that or an error
    std::vector<void*> hooks_;
};

}  // namespace llmsnoop::capture::live
