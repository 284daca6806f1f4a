/*
 * Facts about the current process, read with CO-RE.
 */
#pragma once

#include "bpf/lib/base.bpf.h"
#include "bpf/lib/core_compat.bpf.h"

static __always_inline __u32 current_pid(void)
{
    return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline struct task_struct *current_task(void)
{
    return (struct task_struct *)bpf_get_current_task();
}

static __always_inline __u64 process_start_ns(struct task_struct *task)
{
    return task_start_boot_ns(BPF_CORE_READ(task, group_leader));
}

/* A thread may have a name of its own; the group leader's is the process's. */
static __always_inline void process_comm(struct task_struct *task, char comm[WIRE_COMM_MAX])
{
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);

    bpf_probe_read_kernel_str(comm, WIRE_COMM_MAX, &leader->comm);
}

static __always_inline int process_exe(struct task_struct *task, struct exe_key *key)
{
    struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

    if (!inode)
        return 0;
    key->inode = BPF_CORE_READ(inode, i_ino);
    key->device = BPF_CORE_READ(inode, i_sb, s_dev);
    key->reserved = 0;
    return 1;
}

/* Is this the last thread of its process? The leader may well exit before the others. */
static __always_inline int last_thread(struct task_struct *task)
{
    return BPF_CORE_READ(task, signal, live.counter) == 0;
}
