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
#endif
