// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a uprobe capture of OpenSSL can do and still see every byte: arguments kept at entry, the bytes copied
 * at return into a ring record of the next size class, no wake-up. No filter, no connection, no offset, no socket. What
 * an agent costs is compared with this.
 *
 * Probes stand on ssl_read_internal and ssl_write_internal (the loader finds them):
 *     int f(SSL *s, void *buf, size_t num, size_t *done), 1 on success.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "tests/bench/floor/floor_record.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_PAYLOAD 16384

struct call {
    __u64 buffer;
    __u64 done;
};

/* thread -> the call it is in; written at entry, deleted at return; when full, the call is not seen. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64);
    __type(value, struct call);
} calls SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

__u64 lost = 0; /* records for which the ring had no room */

#define DEFINE_PUT(class)                                                                           \
    static __always_inline void put_##class(__u32 direction, const void* from, __u64 true_length) { \
        struct floor_record* record = bpf_ringbuf_reserve(&ring, sizeof(*record) + (class), 0);     \
        __u64 length = true_length & 0xffffffff;                                                    \
        if (!record) {                                                                              \
            __sync_fetch_and_add(&lost, 1);                                                         \
            return;                                                                                 \
        }                                                                                           \
        /* Without the barrier clang 14 tests one copy of the register and uses another. */         \
        barrier_var(length);                                                                        \
        if (length > (class)) length = (class);                                                     \
        record->time = bpf_ktime_get_ns();                                                          \
        record->tid = (__u32)bpf_get_current_pid_tgid();                                            \
        record->direction = direction;                                                              \
        record->true_length = (__u32)true_length;                                                   \
        record->length = (__u32)length;                                                             \
        bpf_probe_read_user(record + 1, length, from);                                              \
        bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);                                               \
    }

DEFINE_PUT(256)
DEFINE_PUT(1024)
DEFINE_PUT(4096)
DEFINE_PUT(16384)

static __always_inline int on_return(__u32 direction, int result) {
    __u64 thread = bpf_get_current_pid_tgid();
    struct call* found = bpf_map_lookup_elem(&calls, &thread);
    struct call call;
    __u64 length = 0;

    if (!found) return 0;
    call = *found;
    bpf_map_delete_elem(&calls, &thread);
    if (result <= 0 || bpf_probe_read_user(&length, sizeof(length), (const void*)call.done)) return 0;
    if (length <= 256)
        put_256(direction, (const void*)call.buffer, length);
    else if (length <= 1024)
        put_1024(direction, (const void*)call.buffer, length);
    else if (length <= 4096)
        put_4096(direction, (const void*)call.buffer, length);
    else
        put_16384(direction, (const void*)call.buffer, length);
    return 0;
}

SEC("uprobe")
int BPF_KPROBE(on_entry, void* ssl, void* buffer, __u64 size, __u64* done) {
    __u64 thread = bpf_get_current_pid_tgid();
    struct call call = {(__u64)buffer, (__u64)done};

    bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
    return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(on_read_return, int result) {
    return on_return(FLOOR_READ, result);
}

SEC("uretprobe")
int BPF_KRETPROBE(on_write_return, int result) {
    return on_return(FLOOR_WRITE, result);
}

SEC("uprobe")
int BPF_KPROBE(empty_entry) {
    return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(empty_return) {
    return 0;
}
