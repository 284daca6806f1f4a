/*
 * Where a field changed its name or its place between kernels, the difference is hidden here.
 */
#pragma once

#include "bpf/lib/base.bpf.h"

#ifndef LLMSNOOP_NATIVE
/* Since 6.15 (633488947ef6) kernfs_node::parent is RCU-protected and called __parent. */
struct kernfs_node___with_rcu_parent {
    struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
    struct kernfs_node___with_rcu_parent *renamed = (void *)node;

    if (bpf_core_field_exists(renamed->__parent))
        return BPF_CORE_READ(renamed, __parent);
    return BPF_CORE_READ(node, parent);
}

/* Until 5.5 (cf25e24db61c) task_struct::start_boottime was called real_start_time. */
struct task_struct___before_5_5 {
    __u64 real_start_time;
} __attribute__((preserve_access_index));

static __always_inline __u64 task_start_boot_ns(struct task_struct *task)
{
    struct task_struct___before_5_5 *renamed = (void *)task;

    if (bpf_core_field_exists(task->start_boottime))
        return BPF_CORE_READ(task, start_boottime);
    return BPF_CORE_READ(renamed, real_start_time);
}

/* Until 5.14 (8cd54c1c8480) iov_iter::iter_type was called type and held the direction too, in its lowest bits. */
struct iov_iter___before_5_14 {
    unsigned int type;
} __attribute__((preserve_access_index));

/* Since 6.4 (de4f5fed3f23) iov_iter::iov is called __iov. */
struct iov_iter___since_6_4 {
    const struct iovec *__iov;
} __attribute__((preserve_access_index));

static __always_inline __u32 iter_type_of(const struct iov_iter *iter)
{
    const struct iov_iter___before_5_14 *renamed = (const void *)iter;

    if (bpf_core_field_exists(iter->iter_type))
        return BPF_CORE_READ(iter, iter_type);
    return BPF_CORE_READ(renamed, type) & ~3u;
}

/* One buffer of user memory, which has an iterator of its own since 6.0. */
static __always_inline int iter_is_buffer(const struct iov_iter *iter)
{
    if (!bpf_core_enum_value_exists(enum iter_type, ITER_UBUF))
        return 0;
    return iter_type_of(iter) == bpf_core_enum_value(enum iter_type, ITER_UBUF);
}

static __always_inline int iter_is_vectors(const struct iov_iter *iter)
{
    return iter_type_of(iter) == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
}

static __always_inline const struct iovec *iter_vectors(const struct iov_iter *iter)
{
    const struct iov_iter___since_6_4 *renamed = (const void *)iter;

    if (bpf_core_field_exists(renamed->__iov))
        return BPF_CORE_READ(renamed, __iov);
    return BPF_CORE_READ(iter, iov);
}

#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: within a 32-bit system call */

static __always_inline int in_compat_call(struct task_struct *task)
{
    return (BPF_CORE_READ(task, thread_info.status) & TS_COMPAT) != 0;
}

/*
 * The open files of this process, and how many there may be. Since 5.11 (3ca1032ab7ab) the verifier knows the current
 * task's type and lets programs follow its pointers; that is several times cheaper than a helper call for each.
 */
static __always_inline struct file **open_files(__u32 *count)
{
    struct files_struct *files;
    struct fdtable *table;

    if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
        files = bpf_get_current_task_btf()->files;
        table = files ? files->fdt : NULL;
        if (!table)
            return NULL;
        *count = table->max_fds;
        return table->fd;
    }
    table = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), files, fdt);
    *count = BPF_CORE_READ(table, max_fds);
    return BPF_CORE_READ(table, fd);
}
#endif
