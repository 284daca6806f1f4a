/*
 * Connections: their birth, their announcement to user space, their end.
 */
#pragma once

#include "bpf/lib/emit.bpf.h"
#include "bpf/lib/path.bpf.h"
#include "bpf/lib/task.bpf.h"

/*
 * Never used twice: nanoseconds since boot, and the CPU for two that begin in the same one. A counter would need an atomic
 * that returns a value, which BPF has only since 5.12. The hash spreads the low bits, which choose the ring.
 */
static __always_inline __u64 fresh_connection_id(void)
{
    __u64 id = bpf_ktime_get_ns() << 10 | (bpf_get_smp_processor_id() & 1023);

    return id * 0x9e3779b97f4a7c15ULL >> 7 | 1ULL << 63;
}

static __always_inline void announce_process(struct task_struct *task, __u32 pid, __u64 start_ns)
{
    struct process_state *state = bpf_map_lookup_elem(&processes, &pid);
    struct wire_process *record;
    __u32 first = 0;
    void *ring;

    if (state && state->announced)
        return;
    ring = bpf_map_lookup_elem(&rings, &first); /* events of processes go to one ring */
    if (!ring)
        return;
    EMIT_RESERVE(ring, record, WIRE_PROCESS, WIRE_LOSS_PROCESS_RECORD);
    if (!record)
        return;
    record->time_ns = bpf_ktime_get_ns();
    record->start_ns = start_ns;
    record->cgroup_id = bpf_get_current_cgroup_id();
    record->pid = pid;
    record->ppid = BPF_CORE_READ(task, real_parent, tgid);
    record->uid = bpf_get_current_uid_gid();
    record->reserved = 0;
    process_comm(task, record->comm);
    exe_path(task, &record->exe);
    cgroup_path(task, &record->cgroup);
    bpf_ringbuf_submit(record, submit_flags(ring, sizeof(*record)));
    if (state)
        state->announced = 1;
}

static __always_inline void announce_connection(struct connection *connection, const struct connection_key *key)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_open *record;

    if (!ring)
        return;
    EMIT_RESERVE(ring, record, WIRE_CONNECTION_OPEN, WIRE_LOSS_RING_FULL);
    if (!record)
        return; /* tried again with the next call */
    record->header.flags = connection->from_start ? WIRE_OPEN_FROM_START : 0;
    record->connection = connection->id;
    record->time_ns = bpf_ktime_get_ns();
    record->object = key->object;
    record->process_start_ns = key->process_start_ns;
    record->pid = key->pid;
    record->library = connection->library;
    EMIT_SUBMIT(ring, record);
    connection->announced = 1;
}

static __always_inline struct connection *find_connection(const struct connection_key *key)
{
    return bpf_map_lookup_elem(&connections, key);
}

static __always_inline struct connection *make_connection(const struct connection_key *key, __u32 library, __u32 from_start)
{
    struct connection fresh = {};

    fresh.id = fresh_connection_id();
    fresh.library = library;
    fresh.from_start = from_start;
    if (bpf_map_update_elem(&connections, key, &fresh, BPF_ANY)) {
        count_loss(WIRE_LOSS_CONNECTIONS_FULL);
        return NULL;
    }
    return bpf_map_lookup_elem(&connections, key);
}

static __always_inline void emit_close(const struct connection *connection, __u8 why)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_close *record;

    if (!ring || !connection->announced)
        return;
    EMIT_RESERVE(ring, record, WIRE_CONNECTION_CLOSE, WIRE_LOSS_RING_FULL);
    if (!record)
        return;
    record->header.flags = why;
    record->connection = connection->id;
    record->time_ns = bpf_ktime_get_ns();
    record->offset[WIRE_SENT] = connection->offset[WIRE_SENT];
    record->offset[WIRE_RECEIVED] = connection->offset[WIRE_RECEIVED];
    EMIT_SUBMIT(ring, record);
}

static __always_inline void close_connection(const struct connection_key *key, __u8 why)
{
    struct connection *connection = find_connection(key);

    if (!connection)
        return;
    emit_close(connection, why);
    bpf_map_delete_elem(&connections, key);
}

static __always_inline void emit_direction_end(struct connection *connection, __u8 direction)
{
    void *ring = ring_of(connection->id);
    struct wire_direction_end *record;

    if (!ring || connection->ended || !connection->announced)
        return;
    EMIT_RESERVE(ring, record, WIRE_DIRECTION_END, WIRE_LOSS_RING_FULL);
    if (!record)
        return;
    record->header.direction = direction;
    record->connection = connection->id;
    record->time_ns = bpf_ktime_get_ns();
    record->offset = connection->offset[direction];
    EMIT_SUBMIT(ring, record);
    connection->ended = 1;
}

/* The address pair of a socket, if it is TCP over IPv4 or IPv6. */
static __always_inline int read_socket(struct wire_socket *out, const struct sock *sk)
{
    __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

    if (family == AF_INET) {
        __builtin_memset(out, 0, sizeof(*out));
        BPF_CORE_READ_INTO((__u32 *)&out->local_address, sk, __sk_common.skc_rcv_saddr);
        BPF_CORE_READ_INTO((__u32 *)&out->peer_address, sk, __sk_common.skc_daddr);
    } else if (family == AF_INET6) {
        BPF_CORE_READ_INTO((struct in6_addr *)&out->local_address, sk, __sk_common.skc_v6_rcv_saddr);
        BPF_CORE_READ_INTO((struct in6_addr *)&out->peer_address, sk, __sk_common.skc_v6_daddr);
    } else {
        return 0;
    }
    out->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
    out->peer_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
    out->family = family;
    return 1;
}

static __always_inline void emit_socket(struct connection *connection, const struct sock *sk)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_socket *record;

    if (!ring || connection->has_socket || !connection->announced)
        return;
    EMIT_RESERVE(ring, record, WIRE_CONNECTION_SOCKET, WIRE_LOSS_RING_FULL);
    if (!record)
        return;
    record->connection = connection->id;
    if (!read_socket(&record->socket, sk)) {
        bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
        connection->has_socket = 1; /* another family: there is nothing to learn */
        return;
    }
    EMIT_SUBMIT(ring, record);
    connection->has_socket = 1;
}
