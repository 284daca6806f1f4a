/*
 * Which processes are traced. Decided once per process and remembered; threads remember it too, for one epoch.
 */
#pragma once

#include "bpf/lib/maps.bpf.h"
#include "bpf/lib/task.bpf.h"

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

/*
 * The state of the current process, made or brought up to date. NULL only where the table is full; the caller then falls
 * back to matches_selection().
 */
static __always_inline struct process_state *current_process(struct task_struct *task, __u32 pid)
{
    struct process_state *state = bpf_map_lookup_elem(&processes, &pid), fresh = {};
    __u64 start = process_start_ns(task);

    if (state && state->start_ns == 0) /* put there by user space, which knows start times only to a clock tick */
        state->start_ns = start;
    if (state && state->start_ns == start) {
        if (state->epoch != filter_epoch && !state->inherited) {
            state->epoch = filter_epoch;
            state->traced = matches_selection(task, pid);
        }
        return state;
    }
    /* Unknown, or left behind by an earlier process of that number. */
    fresh.start_ns = start;
    fresh.epoch = filter_epoch;
    fresh.traced = matches_selection(task, pid);
    bpf_map_update_elem(&processes, &pid, &fresh, BPF_ANY);
    return bpf_map_lookup_elem(&processes, &pid);
}

static __always_inline int process_is_traced(struct task_struct *task, __u32 pid)
{
    struct process_state *state = current_process(task, pid);

    return state ? state->traced : matches_selection(task, pid);
}
