/*
 * What vmlinux.h and libbpf's headers are to the programs in the kernel, this is to them on the host
 * (bpf/lib/base.bpf.h): macros that libbpf gives meaning to, and helpers, which fake_kernel.cpp implements and tests
 * control through fake_kernel.h.
 */
#pragma once

#include <stddef.h>

#include "tests/bpf_native/kernel_types.h"

typedef int pid_t;

#define SEC(name)
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __ksym
#define barrier_var(var) __asm__ volatile("" : "+r"(var))

#define BPF_PROG(name, args...) name(args)
#define BPF_KPROBE(name, args...) name(args)
#define BPF_KRETPROBE(name, args...) name(args)

#define PT_REGS_PARM1(regs) ((regs)->di)
#define PT_REGS_PARM2(regs) ((regs)->si)
#define PT_REGS_PARM3(regs) ((regs)->dx)
#define PT_REGS_PARM4(regs) ((regs)->cx)
#define PT_REGS_PARM5(regs) ((regs)->r8)
#define PT_REGS_RC(regs) ((regs)->ax)
#define PT_REGS_SP(regs) ((regs)->sp)
#define PT_REGS_IP(regs) ((regs)->ip)

enum { IPPROTO_TCP = 6, SOCK_STREAM = 1, SOCK_DEAD = 0 };
#define SOCK_STREAM SOCK_STREAM
enum {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT = 2,
    TCP_SYN_RECV = 3,
    TCP_FIN_WAIT1 = 4,
    TCP_CLOSE = 7,
    TCP_CLOSE_WAIT = 8,
    TCP_LAST_ACK = 9,
    TCP_LISTEN = 10,
};

#define bpf_ntohs(value) __builtin_bswap16(value)

enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_CONS_POS = 2, BPF_RB_PROD_POS = 3, BPF_RINGBUF_HDR_SZ = 8 };
enum {
    BPF_MAP_TYPE_HASH = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PROG_ARRAY = 3,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_CGROUP_ARRAY = 8,
    BPF_MAP_TYPE_LRU_HASH = 9,
    BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
    BPF_MAP_TYPE_RINGBUF = 27,
};

/* As in libbpf: numbers are sizes of arrays that are never made. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val)* name
#define __array(name, val) __typeof__(val)** value

struct stub_map {
    const char* name; /* "&calls" */
    __u32 type;
    __u32 key_size;
    __u32 value_size;
    __u32 max_entries;
};

#define STUB_MAP(map)                                             \
    (&(struct stub_map){                                          \
        .name = #map,                                             \
        .type = sizeof(*(map)->type) / sizeof(int),               \
        .key_size = sizeof(*(map)->key),                          \
        .value_size = sizeof(*(map)->value),                      \
        .max_entries = sizeof(*(map)->max_entries) / sizeof(int), \
    })

void* stub_map_lookup(const struct stub_map* map, const void* key);
long stub_map_update(const struct stub_map* map, const void* key, const void* value, __u64 flags);
long stub_map_delete(const struct stub_map* map, const void* key);

#define bpf_map_lookup_elem(map, key_) stub_map_lookup(STUB_MAP(map), key_)
#define bpf_map_update_elem(map, key_, value_, flags) stub_map_update(STUB_MAP(map), key_, value_, flags)
#define bpf_map_delete_elem(map, key_) stub_map_delete(STUB_MAP(map), key_)

void* bpf_ringbuf_reserve(void* ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void* record, __u64 flags);
void bpf_ringbuf_discard(void* record, __u64 flags);
__u64 bpf_ringbuf_query(void* ring, __u64 what);

long bpf_probe_read_kernel(void* target, __u32 size, const void* address);
long bpf_probe_read_user(void* target, __u32 size, const void* address);
long bpf_probe_read_user_str(void* target, __u32 size, const void* address);
long bpf_probe_read_kernel_str(void* target, __u32 size, const void* address);

__u64 bpf_ktime_get_ns(void);
__u64 bpf_get_func_ip(void* ctx);
long bpf_tail_call(void* ctx, void* programs, __u32 index);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_uid_gid(void);
__u64 bpf_get_current_task(void);
struct task_struct* bpf_get_current_task_btf(void);
long bpf_task_pt_regs(struct task_struct* task); /* of the current one only */
__u64 bpf_get_current_cgroup_id(void);
__u32 bpf_get_smp_processor_id(void);
#define bpf_current_task_under_cgroup(map, index) stub_under_cgroup(index)
long stub_under_cgroup(__u32 index);

/* Reads through a pointer that is not there give 0, as in the kernel. */
#define STUB_STEP(from, member) ((from) ? (from)->member : (__typeof__((from)->member))0)
#define STUB_READ_2(src, a) STUB_STEP(src, a)
#define STUB_READ_3(src, a, b) STUB_STEP(STUB_READ_2(src, a), b)
#define STUB_READ_4(src, a, b, c) STUB_STEP(STUB_READ_3(src, a, b), c)
#define STUB_PICK(_1, _2, _3, _4, name, ...) name
#define BPF_CORE_READ(args...) STUB_PICK(args, STUB_READ_4, STUB_READ_3, STUB_READ_2)(args)
#define BPF_CORE_READ_INTO(target, src, member) \
    __builtin_memcpy(target, &(src)->member,    \
                     sizeof((src)->member) < sizeof(*(target)) ? sizeof((src)->member) : sizeof(*(target)))
#define bpf_core_field_offset(type, member) offsetof(type, member)

/* In place of core_compat.bpf.h. */
static inline struct kernfs_node* kernfs_parent(struct kernfs_node* node) {
    return node->parent;
}
static inline __u64 task_start_boot_ns(struct task_struct* task) {
    return task->start_boottime;
}
static inline int iter_is_buffer(const struct iov_iter* iter) {
    return iter->iter_type == ITER_UBUF;
}
static inline int iter_is_vectors(const struct iov_iter* iter) {
    return iter->iter_type == ITER_IOVEC;
}
static inline const struct iovec* iter_vectors(const struct iov_iter* iter) {
    return iter->iov;
}
static inline int in_compat_call(struct task_struct* task) {
    return (task->thread_info.status & 2) != 0;
}
static inline struct file** open_files(__u32* count) {
    struct fdtable* table = ((struct task_struct*)bpf_get_current_task())->files->fdt;

    *count = table->max_fds;
    return table->fd;
}
