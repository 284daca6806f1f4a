/*
 * The life of processes: children inherit the selection, an exec may change it, an exit ends everything that belonged
 * to the process. Raw BTF tracepoints, which load on every kernel that this agent supports.
 */
#include "bpf/lib/call_args.bpf.h"

/* The agent's choices, and the words both sides change. Defined once, here. */
const volatile struct knobs knobs = {};
__u32 filter_epoch = 1;
__u32 mutes_in_use = 0;
__u32 rustls_in_use = 0;

static __always_inline void emit_process_end(__u8 kind, __u32 pid, __u64 start_ns)
{
    struct wire_process_end *record;
    void *ring = ring_of_processes();

    if (!ring)
        return;
    EMIT_RESERVE(ring, record, kind, WIRE_LOSS_PROCESS_RECORD);
    if (!record)
        return;
    record->time_ns = bpf_ktime_get_ns();
    record->start_ns = start_ns;
    record->pid = pid;
    record->reserved = 0;
    EMIT_SUBMIT(ring, record);
}

/* Runs in the parent, once per new task: a selection may be inherited, and a number be used again. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
    __u32 pid = BPF_CORE_READ(child, tgid), parent_pid = BPF_CORE_READ(parent, tgid);
    struct process_state of_child = {};

    if (parent_pid != pid)
        forget_quick_verdict(pid); /* of whoever had this number before */
    if (!knobs.select || !knobs.with_children || parent_pid == pid /* a thread */ || !is_traced_now(parent, parent_pid))
        return 0;
    of_child.start_ns = process_start_ns(child);
    of_child.traced = 1;
    of_child.inherited = 1;
    of_child.epoch = filter_epoch;
    bpf_map_update_elem(&processes, &pid, &of_child, BPF_ANY);
    return 0;
}

/* Other threads of the process are gone by now; the caller has become the leader, whatever its thread id was. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, pid_t old_thread, struct linux_binprm *bprm)
{
    __u32 pid = current_pid();
    __u64 thread_id = (__u64)pid << 32 | (__u32)old_thread;
    struct process_state *state;

    bpf_map_delete_elem(&calls, &thread_id);
    thread_id = (__u64)pid << 32 | pid;
    bpf_map_delete_elem(&calls, &thread_id);
    forget_quick_verdict(pid);
    state = bpf_map_lookup_elem(&processes, &pid);
    if (!state)
        return 0;
    state->execs++;
    if (state->announced) {
        emit_process_end(WIRE_PROCESS_EXEC, pid, state->start_ns);
        state->announced = 0;
    }
    state->epoch = 0; /* another program, another verdict, unless inherited */
    return 0;
}

SEC("tp_btf/sched_process_exit") int BPF_PROG(process_exit, struct task_struct *task)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    __u32 pid = thread_id >> 32;
    struct process_state *state;

    bpf_map_delete_elem(&calls, &thread_id);
    bpf_map_delete_elem(&plain_calls, &thread_id);
    if (rustls_in_use)
        bpf_map_delete_elem(&rustls_threads, &thread_id);
    if (!last_thread(task))
        return 0;
    forget_quick_verdict(pid);
    state = bpf_map_lookup_elem(&processes, &pid);
    if (!state)
        return 0;
    if (state->announced)
        emit_process_end(WIRE_PROCESS_EXIT, pid, state->start_ns);
    bpf_map_delete_elem(&processes, &pid);
    return 0;
}

/* A process that moves into another cgroup may come under another verdict. */
SEC("tp_btf/cgroup_attach_task") int BPF_PROG(process_moved)
{
    if (knobs.select & SELECT_CGROUP)
        __sync_fetch_and_add(&filter_epoch, 1);
    return 0;
}
