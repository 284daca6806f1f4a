/*
 * Paths of kernel objects as struct wire_path: names from the leaf to the root. A process may be gone before user space
 * can read /proc, so the two paths that identify it come along with its record.
 */
#pragma once

#include "bpf/lib/base.bpf.h"
#include "bpf/lib/core_compat.bpf.h"

#define PATH_DEPTH 24

/*
 * One would like to write: size += bpf_probe_read_kernel_str(names + size, WIRE_PATH_MAX - size, name).
 * The verifier refuses it: it does not relate the two occurrences of `size`, so it sees an access up to twice the
 * array. The trick: keep WIRE_COMPONENT_MAX bytes of head-room and compare `size` with a constant before each use.
 * Tried on 5.10, 6.1, 6.12 and 6.18.
 */
static __always_inline int path_append(struct wire_path *path, const unsigned char *name)
{
    __u32 size = path->size;
    long copied;

    if (size > WIRE_PATH_MAX - WIRE_COMPONENT_MAX) {
        path->cut |= WIRE_CUT_ROOT;
        return 0;
    }
    copied = bpf_probe_read_kernel_str(&path->names[size], WIRE_COMPONENT_MAX, name);
    if (copied == 1) /* an empty name */
        return 1;
    if (copied <= 0) {
        path->cut |= WIRE_CUT_ROOT;
        return 0;
    }
    if (copied == WIRE_COMPONENT_MAX)
        path->cut |= WIRE_CUT_NAME;
    path->size = size + (copied & (WIRE_COMPONENT_MAX * 2 - 1));
    return 1;
}

/* The executable, as a path in the process's own mount namespace; mount points are crossed as d_path() does. */
static __always_inline void exe_path(struct task_struct *task, struct wire_path *path)
{
    struct file *file = BPF_CORE_READ(task, mm, exe_file);
    struct dentry *dentry, *parent, *mount_root;
    struct mount *mount, *mount_parent;
    struct vfsmount *vfsmount;

    path->size = 0;
    path->cut = 0;
    if (!file)
        return;
    dentry = BPF_CORE_READ(file, f_path.dentry);
    vfsmount = BPF_CORE_READ(file, f_path.mnt);
    mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
    for (int i = 0; i < PATH_DEPTH; i++) {
        mount_root = BPF_CORE_READ(mount, mnt.mnt_root);
        parent = BPF_CORE_READ(dentry, d_parent);
        if (dentry == mount_root || dentry == parent) {
            mount_parent = BPF_CORE_READ(mount, mnt_parent);
            if (mount_parent == mount || dentry != mount_root)
                return;
            dentry = BPF_CORE_READ(mount, mnt_mountpoint);
            mount = mount_parent;
            continue;
        }
        if (!path_append(path, BPF_CORE_READ(dentry, d_name.name)))
            return;
        dentry = parent;
    }
    path->cut |= WIRE_CUT_ROOT;
}

/* The cgroup in the default hierarchy, from the root that the kernel knows (not the one of a cgroup namespace). */
static __always_inline void cgroup_path(struct task_struct *task, struct wire_path *path)
{
    struct kernfs_node *node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn), *parent;

    path->size = 0;
    path->cut = 0;
    for (int i = 0; i < PATH_DEPTH; i++) {
        if (!node)
            return;
        parent = kernfs_parent(node);
        if (!parent) /* the root has no name */
            return;
        if (!path_append(path, (const unsigned char *)BPF_CORE_READ(node, name)))
            return;
        node = parent;
    }
    path->cut |= WIRE_CUT_ROOT;
}
