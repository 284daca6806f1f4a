/*
 * Which processes are traced. Decided at a process's first TLS call and remembered, by its threads too, for one epoch.
 * Not earlier, because between its start and that call a process may yet change its user, its name or its cgroup.
 */
#pragma once

#include "bpf/lib/maps.bpf.h"
#include "bpf/lib/task.bpf.h"

/* Read before a process is judged: what changes meanwhile makes a new epoch, for which the verdict is not good. */
static __always_inline __u32 current_epoch(void)
{
    return *(volatile __u32 *)&filter_epoch;
}

static __always_inline int in_target_cgroup(void)
{
    for (__u32 i = 0; i < SELECT_CGROUPS_MAX; i++) {
        if (i >= knobs.cgroups)
            return 0;
        /* 1: the current task is in that cgroup or below it */
        if (bpf_current_task_under_cgroup(&target_cgroups, i) == 1)
            return 1;
    }
    return 0;
}

/* Does the current process match the selection by itself? Every kind in use must match. */
static __always_inline int matches_selection(struct task_struct *task, __u32 pid)
{
    __u32 select = knobs.select;

    if (pid == knobs.own_pid)
        return 0;
    if ((select & SELECT_PID) && !bpf_map_lookup_elem(&target_pids, &pid))
        return 0;
    if (select & SELECT_UID) {
        __u32 uid = bpf_get_current_uid_gid();

        if (!bpf_map_lookup_elem(&target_uids, &uid))
            return 0;
    }
    if (select & SELECT_COMM) {
        struct comm_key key = {};

        process_comm(task, key.comm);
        if (!bpf_map_lookup_elem(&target_comms, &key))
            return 0;
    }
    if (select & SELECT_EXE) {
        struct exe_key key = {};

        if (!process_exe(task, &key) || !bpf_map_lookup_elem(&target_exes, &key))
            return 0;
    }
    if ((select & SELECT_CGROUP) && !in_target_cgroup())
        return 0;
    return 1;
}

/* What is remembered of the current process. What an earlier process of its number left behind is nothing. */
static __always_inline struct process_state *known_process(__u32 pid, __u64 start)
{
    struct process_state *state = bpf_map_lookup_elem(&processes, &pid);

    if (state && state->start_ns == 0) /* put there by user space, which knows start times only to a clock tick */
        state->start_ns = start;
    return state && state->start_ns == start ? state : NULL;
}

static __always_inline int has_verdict(const struct process_state *state)
{
    return state->inherited || state->epoch == filter_epoch;
}

/*
 * The state of the current process, made or brought up to date. NULL only where the table is full; the caller then
 * falls back to matches_selection().
 */
static __always_inline struct process_state *current_process(struct task_struct *task, __u32 pid)
{
    __u64 start = process_start_ns(task);
    __u32 epoch = current_epoch();
    struct process_state *state = known_process(pid, start), fresh = {};

    if (state) {
        if (!has_verdict(state)) {
            state->traced = matches_selection(task, pid);
            state->epoch = epoch;
        }
        return state;
    }
    fresh.start_ns = start;
    fresh.epoch = epoch;
    fresh.traced = matches_selection(task, pid);
    /* What an earlier process left behind is overwritten; not what user space has just put there. */
    state = bpf_map_lookup_elem(&processes, &pid);
    bpf_map_update_elem(&processes, &pid, &fresh, state && state->start_ns ? BPF_ANY : BPF_NOEXIST);
    return bpf_map_lookup_elem(&processes, &pid);
}

/* Is the current process traced as it is now? Remembers nothing: its first TLS call decides. */
static __always_inline int is_traced_now(struct task_struct *task, __u32 pid)
{
    struct process_state *state = known_process(pid, process_start_ns(task));

    return state && has_verdict(state) ? (int)state->traced : matches_selection(task, pid);
}

/* The pid takes 22 bits at most (PID_MAX_LIMIT). */
static __always_inline __u64 quick_verdict(__u32 pid, __u32 traced, __u32 epoch)
{
    return (__u64)pid << 33 | (__u64)traced << 32 | epoch;
}

static __always_inline __u64 *quick_verdict_of(__u32 pid)
{
    __u32 place = pid & (QUICK_VERDICTS - 1);

    return bpf_map_lookup_elem(&quick_verdicts, &place);
}

static __always_inline void note_quick_verdict(__u32 pid, __u32 traced, __u32 epoch)
{
    __u64 *verdict = quick_verdict_of(pid);

    if (verdict)
        *verdict = quick_verdict(pid, traced, epoch);
}

/* A thing happened after which the process may be judged otherwise. */
static __always_inline void forget_quick_verdict(__u32 pid)
{
    __u64 *verdict = quick_verdict_of(pid);

    if (verdict && *verdict >> 33 == pid)
        *verdict = 0;
}
