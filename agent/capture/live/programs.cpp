#include "agent/capture/live/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/capture/live/libbpf_messages.h"
#include "agent/capture/live/uprobe_link.h"
#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"
// The skeleton uses the types of the two headers above.
#include "llmsnoop.skel.h"

namespace llmsnoop::capture::live {

namespace {

void choose_programs(llmsnoop_bpf& skeleton, SocketHook socket_hook, UprobeWay way) {
    auto& all = skeleton.progs;
    const bool sessions = way == UprobeWay::session;
    for (const TlsHook hook : all_tls_hooks()) {
        const HookPrograms programs = programs_of(skeleton, hook);
        for (bpf_program* one : {programs.entry, programs.on_return}) {
            if (one == nullptr) continue;
            if (way != UprobeWay::perf_event) bpf_program__set_expected_attach_type(one, kUprobeMulti);
            if (programs.session != nullptr) bpf_program__set_autoload(one, !sessions);
        }
        if (programs.session == nullptr) continue;
        bpf_program__set_autoload(programs.session, sessions);
        bpf_program__set_expected_attach_type(programs.session, kUprobeSession);
    }
    for (bpf_program* one : {all.socket_send_tracepoint, all.socket_receive_tracepoint}) {
        bpf_program__set_autoload(one, socket_hook == SocketHook::tracepoint);
    }
    for (bpf_program* one : {all.socket_send_fexit, all.socket_receive_fentry}) {
        bpf_program__set_autoload(one, socket_hook == SocketHook::fexit);
    }
    for (bpf_program* one : {all.socket_send_kprobe, all.socket_receive_kprobe}) {
        bpf_program__set_autoload(one, socket_hook == SocketHook::kprobe);
    }
}

struct PlainProgram {
    PlainHook hook;
    bpf_program* program;
    bool there = true;  // does the kernel have the function?
};

// Those that see plain TCP, returns before entries: a call that begins between the two is then missed as a whole.
std::vector<PlainProgram> plain_programs(const llmsnoop_bpf& skeleton, const TcpFunctions& tcp) {
    const auto& all = skeleton.progs;
    return {{PlainHook::syscall, all.plain_syscall},
            {PlainHook::tracepoint, all.plain_send_tracepoint},
            {PlainHook::tracepoint, all.plain_receive_tracepoint},
            {PlainHook::fexit, all.plain_send_fexit},
            {PlainHook::fexit, all.plain_receive_fexit},
            {PlainHook::fexit, all.plain_sendpage_fexit, tcp.sendpage},
            {PlainHook::fexit, all.plain_splice_fexit, tcp.splice_read},
            {PlainHook::kprobe, all.plain_send_kretprobe},
            {PlainHook::kprobe, all.plain_receive_kretprobe},
            {PlainHook::kprobe, all.plain_sendpage_kretprobe, tcp.sendpage},
            {PlainHook::kprobe, all.plain_splice_kretprobe, tcp.splice_read},
            {PlainHook::kprobe, all.plain_send_kprobe},
            {PlainHook::kprobe, all.plain_receive_kprobe},
            {PlainHook::kprobe, all.plain_sendpage_kprobe, tcp.sendpage},
            {PlainHook::kprobe, all.plain_splice_kprobe, tcp.splice_read}};
}

void choose_plain_programs(llmsnoop_bpf& skeleton, const TcpFunctions& tcp, PlainHook hook) {
    bpf_program__set_autoload(skeleton.progs.plain_socket_state, hook != PlainHook::none);
    for (const PlainProgram& one : plain_programs(skeleton, tcp))
        bpf_program__set_autoload(one.program, one.hook == hook && one.there);
    // What is never used need not take the kernel's memory.
    if (hook == PlainHook::none) {
        bpf_map__set_max_entries(skeleton.maps.plain_sockets, 1);
        bpf_map__set_max_entries(skeleton.maps.quick_verdicts, 1);
    }
    if (hook != PlainHook::kprobe) bpf_map__set_max_entries(skeleton.maps.plain_calls, 1);
}

knobs make_knobs(const ProgramOptions& options, const TcpFunctions& tcp, SocketHook socket_hook) {
    const Selection& selection = options.selection;
    knobs out{};
    if (!selection.pids.empty()) out.select |= SELECT_PID;
    if (!selection.cgroups.empty()) out.select |= SELECT_CGROUP;
    if (!selection.comms.empty()) out.select |= SELECT_COMM;
    if (!selection.exes.empty()) out.select |= SELECT_EXE;
    if (!selection.uids.empty()) out.select |= SELECT_UID;
    out.with_children = selection.with_children ? 1 : 0;
    out.own_pid = static_cast<__u32>(getpid());
    out.cgroups = static_cast<__u32>(selection.cgroups.size());
    out.ring_mask = options.rings - 1;
    out.receive_arguments = tcp.receive_arguments;
    out.late_must_look = options.nobody_mutes ? 1 : 0;
    out.plain_tells_sockets = socket_hook == SocketHook::tracepoint ? 1 : 0;
    out.wake_bytes = options.ring_bytes / options.rings / WAKES_PER_RING;
    out.call_limit = std::min<std::uint64_t>(options.call_limit, CALL_LIMIT_MAX);
    return out;
}

template <typename Key>
base::Result<void> put(const bpf_map* map, const Key& key, const char* what) {
    const std::uint32_t one = 1;
    if (bpf_map_update_elem(bpf_map__fd(map), &key, &one, BPF_ANY) != 0) return base::system_error(what);
    return {};
}

}  // namespace

Probe::Probe(Probe&& other) noexcept : fds_(std::exchange(other.fds_, {})), links_(std::exchange(other.links_, {})) {}

Probe& Probe::operator=(Probe&& other) noexcept {
    std::swap(fds_, other.fds_);
    std::swap(links_, other.links_);
    return *this;
}

Probe::~Probe() {
    for (const int fd : fds_)
        close(fd);
    for (void* link : links_)
        bpf_link__destroy(static_cast<bpf_link*>(link));
}

base::Result<std::unique_ptr<Programs>> Programs::load(const KernelFeatures& features, const ProgramOptions& options) {
    if (auto possible = require_tracing(features); !possible) return possible.error();
    std::unique_ptr<Programs> out(new Programs);
    out->plain_is_asked_for_ = options.plain_hook.has_value();
    // What this kernel should take, and then what is less: without plain TCP by the best hook, and by older probes.
    std::vector<PlainHook> hooks = features.plain_hooks();
    if (options.plain_hook) {
        if (auto possible = features.plain_hook(*options.plain_hook); !possible) return possible.error();
        hooks = {*options.plain_hook};
    }
    base::Result<void> loaded = base::error("nothing was tried");
    for (const PlainHook hook : hooks) {
        for (const UprobeWay way : features.uprobe_ways()) {
            loaded = out->open_and_load(features, options, way, hook);
            if (loaded) break;
            base::log::warn("with {} and plain TCP by {}: {}", std::string(name_of(way)), std::string(name_of(hook)),
                            loaded.error().message);
        }
        if (loaded) break;
    }
    if (!loaded) return loaded.error();
    if (auto made = out->make_rings(options); !made) return made.error();
    if (auto filled = out->fill_selection(options.selection); !filled) return filled.error();
    return out;
}

base::Result<void> Programs::open_and_load(const KernelFeatures& features, const ProgramOptions& options, UprobeWay way,
                                           PlainHook plain) {
    LibbpfMessages messages;
    llmsnoop_bpf__destroy(skeleton_);
    skeleton_ = llmsnoop_bpf__open();
    if (skeleton_ == nullptr) return base::error("the BPF object cannot be opened: " + messages.last());
    uprobe_way_ = way;
    const auto socket_hook = features.socket_hook(options.socket_hook.value_or(features.socket_hook()));
    if (!socket_hook) return socket_hook.error();
    socket_hook_ = *socket_hook;
    plain_hook_ = plain;
    choose_programs(*skeleton_, socket_hook_, way);
    choose_plain_programs(*skeleton_, features.tcp, plain);
    skeleton_->rodata->knobs = make_knobs(options, features.tcp, socket_hook_);
    if (const int code = llmsnoop_bpf__load(skeleton_); code != 0) {
        base::Error failure = base::system_error("the BPF programs do not load", -code);
        failure.message += ": " + messages.last();
        return failure;
    }
    return {};
}

base::Result<void> Programs::make_rings(const ProgramOptions& options) {
    for (unsigned i = 0; i < options.rings; ++i) {
        const int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "llmsnoop_ring", 0, 0,
                                        static_cast<__u32>(options.ring_bytes / options.rings), nullptr);
        if (ring < 0)
            return base::system_error("a ring buffer of " + std::to_string(options.ring_bytes / options.rings) +
                                      " bytes");
        rings_.push_back(ring);
        if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rings), &i, &ring, BPF_ANY) != 0) {
            return base::system_error("the table of ring buffers");
        }
    }
    return {};
}

base::Result<void> Programs::fill_selection(const Selection& selection) {
    const auto& maps = skeleton_->maps;
    for (const std::uint32_t pid : selection.pids) {
        if (auto done = put(maps.target_pids, pid, "selected pids"); !done) return done;
    }
    for (const std::uint32_t uid : selection.uids) {
        if (auto done = put(maps.target_uids, uid, "selected uids"); !done) return done;
    }
    for (const std::string& comm : selection.comms) {
        char key[WIRE_COMM_MAX] = {};
        comm.copy(key, sizeof key - 1);
        if (auto done = put(maps.target_comms, key, "selected names"); !done) return done;
    }
    for (const std::string& exe : selection.exes) {
        struct stat info {};
        if (stat(exe.c_str(), &info) != 0) return base::system_error(exe);
        const exe_key key{info.st_ino, major(info.st_dev) << 20 | minor(info.st_dev), 0};
        if (auto done = put(maps.target_exes, key, "selected executables"); !done) return done;
    }
    if (selection.cgroups.size() > SELECT_CGROUPS_MAX) {
        return base::error("at most " + std::to_string(SELECT_CGROUPS_MAX) + " cgroups can be selected",
                           base::Error::Kind::usage);
    }
    for (std::uint32_t i = 0; i < selection.cgroups.size(); ++i) {
        const base::Fd directory(open(selection.cgroups[i].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory) return base::system_error(selection.cgroups[i]);
        const int fd = directory.get();
        if (bpf_map_update_elem(bpf_map__fd(maps.target_cgroups), &i, &fd, BPF_ANY) != 0) {
            return base::system_error(selection.cgroups[i] + ": not a cgroup2 directory");
        }
    }
    return {};
}

Programs::~Programs() {
    for (void* hook : hooks_)
        bpf_link__destroy(static_cast<bpf_link*>(hook));
    for (const int ring : rings_)
        close(ring);
    llmsnoop_bpf__destroy(skeleton_);
}

base::Result<void> Programs::attach_hook(bpf_program* program, std::vector<void*>& links) {
    if (!bpf_program__autoload(program)) return {};
    LibbpfMessages messages;
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) {
        return base::system_error(std::string("cannot attach ") + bpf_program__name(program) + " (" + messages.last() +
                                  ")");
    }
    links.push_back(link);
    return {};
}

base::Result<void> Programs::attach_hooks() {
    auto& all = skeleton_->progs;
    for (bpf_program* program : {all.process_fork, all.process_exec, all.process_exit, all.process_moved,
                                 all.plain_socket_state, all.plain_socket_destroyed}) {
        if (auto attached = attach_hook(program, hooks_); !attached) return attached;
    }
    if (auto attached = attach_plain(); !attached) return attached;
    for (bpf_program* program : {all.socket_send_tracepoint, all.socket_receive_tracepoint, all.socket_send_fexit,
                                 all.socket_receive_fentry, all.socket_send_kprobe, all.socket_receive_kprobe}) {
        const bool told = program == all.socket_send_tracepoint || program == all.socket_receive_tracepoint;
        if (told && plain_hook_ == PlainHook::tracepoint) continue;  // plain TCP's do it, at the same place
        if (auto attached = attach_hook(program, hooks_); !attached) return attached;
    }
    return {};
}

base::Result<void> Programs::attach_plain() {
    std::vector<void*> plain;
    for (const PlainProgram& one : plain_programs(*skeleton_, {})) {
        auto attached = attach_hook(one.program, plain);
        if (attached) continue;
        for (void* link : plain)
            bpf_link__destroy(static_cast<bpf_link*>(link));
        if (plain_is_asked_for_) return attached;
        base::log::warn("plain TCP is not seen: {}", attached.error().message);
        plain_hook_ = PlainHook::none;
        return {};
    }
    hooks_.insert(hooks_.end(), plain.begin(), plain.end());
    return {};
}

void Programs::mark_selected(std::uint32_t pid) {
    const int map = bpf_map__fd(skeleton_->maps.processes);
    process_state state{};
    // It may have been judged by itself since the hooks were attached.
    const bool known = bpf_map_lookup_elem(map, &pid, &state) == 0;
    if (known && state.inherited != 0) return;
    state.traced = 1;
    state.inherited = 1;
    bpf_map_update_elem(map, &pid, &state, BPF_ANY);
    // Its threads and the quick verdicts remember that for one epoch.
    __atomic_fetch_add(&skeleton_->data->filter_epoch, 1, __ATOMIC_RELAXED);
}

base::Result<Probe> Programs::attach(TlsHook hook, const std::string& path, std::uint64_t file_offset) {
    LibbpfMessages messages;
    const HookPrograms programs = programs_of(*skeleton_, hook);
    Probe out;
    const auto link_to = [&](bpf_program* program, bpf_attach_type type, std::uint32_t flags) -> base::Result<void> {
        const int link = create_uprobe_link(bpf_program__fd(program), type, flags, path.c_str(), file_offset);
        if (link < 0) return base::system_error(path + ": " + std::string(name_of(hook)));
        out.fds_.push_back(link);
        return {};
    };
    if (uprobe_way_ == UprobeWay::session && programs.session != nullptr) {
        if (auto linked = link_to(programs.session, kUprobeSession, 0); !linked) return linked.error();
        return out;
    }
    // The return probe first: a call that begins between the two is then missed as a whole.
    for (bpf_program* program : {programs.on_return, programs.entry}) {
        if (program == nullptr) continue;
        const bool on_return = program == programs.on_return;
        if (uprobe_way_ != UprobeWay::perf_event) {
            auto linked = link_to(program, kUprobeMulti, on_return ? kMultiReturn : 0);
            if (!linked) return linked.error();
            continue;
        }
        bpf_link* link = bpf_program__attach_uprobe(program, on_return, -1, path.c_str(), file_offset);
        if (link == nullptr)
            return base::system_error(path + ": " + std::string(name_of(hook)) + " (" + messages.last() + ")");
        out.links_.push_back(link);
    }
    return out;
}

void Programs::mute(model::ConnectionId connection, model::Direction direction, std::uint64_t until) {
    ::mute value{};
    const int map = bpf_map__fd(skeleton_->maps.mutes);
    bpf_map_lookup_elem(map, &connection, &value);
    value.until[direction == model::Direction::sent ? WIRE_SENT : WIRE_RECEIVED] = until;
    if (bpf_map_update_elem(map, &connection, &value, BPF_ANY) == 0) skeleton_->bss->mutes_in_use = 1;
}

void Programs::forget(model::ConnectionId connection) {
    bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.mutes), &connection);
}

void Programs::forget_ended_goroutines() {
    const int map = bpf_map__fd(skeleton_->maps.go_calls);
    std::map<std::uint32_t, bool> running;
    std::vector<goroutine_key> gone;
    goroutine_key key{};
    // Elements come and go meanwhile, and the walk may begin again: so it is bounded.
    const std::uint32_t most = bpf_map__max_entries(skeleton_->maps.go_calls);
    int more = bpf_map_get_next_key(map, nullptr, &key);
    for (std::uint32_t i = 0; i < most && more == 0; ++i) {
        const auto [process, unknown] = running.try_emplace(key.pid, true);
        if (unknown) process->second = is_running(key.pid);
        if (!process->second) gone.push_back(key);
        more = bpf_map_get_next_key(map, &key, &key);
    }
    for (const goroutine_key& one : gone)
        bpf_map_delete_elem(map, &one);
}

// The kernel programs take a process out when it ends, but have no room for every one; and numbers mean something else
// in a pid namespace: so both must say that it is gone.
bool Programs::is_running(std::uint32_t pid) const {
    process_state state{};
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.processes), &pid, &state) == 0) return true;
    return kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH;
}

std::vector<std::uint64_t> Programs::losses() const {
    std::vector<std::uint64_t> out(WIRE_LOSS_COUNT);
    std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())));
    for (std::uint32_t i = 0; i < WIRE_LOSS_COUNT; ++i) {
        if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.losses), &i, per_cpu.data()) != 0) continue;
        for (const std::uint64_t count : per_cpu)
            out[i] += count;
    }
    return out;
}

std::uint64_t Programs::skipped_runs() const {
    std::uint64_t sum = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
        bpf_prog_info info{};
        std::uint32_t size = sizeof info;
        if (bpf_program__autoload(program) && bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
            sum += info.recursion_misses;
    }
    return sum;
}

}  // namespace llmsnoop::capture::live
