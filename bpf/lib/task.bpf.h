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

#define KERNEL_STACK_SIZE 16384 /* THREAD_SIZE */
#define USER_CODE_SEGMENT 0x33  /* __USER_CS: 64-bit code */

/*
 * The registers with which the current thread entered the kernel. bpf_task_pt_regs does it from 5.15 on; this is what
 * it does: they lie at the top of the kernel's stack, where kernels built for FRED (6.9) leave 16 bytes above them. The
 * code segment tells whether that is where they are.
 */
static __always_inline struct pt_regs *user_registers(struct task_struct *task)
{
    __u64 top = (__u64)BPF_CORE_READ(task, stack) + KERNEL_STACK_SIZE;
    struct pt_regs *regs = (struct pt_regs *)(top - sizeof(struct pt_regs));

    if ((__u16)BPF_CORE_READ(regs, cs) == USER_CODE_SEGMENT)
        return regs;
    regs = (struct pt_regs *)(top - 16 - sizeof(struct pt_regs));
    return (__u16)BPF_CORE_READ(regs, cs) == USER_CODE_SEGMENT ? regs : NULL;
}
