/*
 * Connections: their birth, their announcement to user space, their end.
 */
#pragma once

#include "bpf/lib/emit.bpf.h"
#include "bpf/lib/path.bpf.h"
#include "bpf/lib/task.bpf.h"

/*
 * Not used twice: nanoseconds since boot, and the CPU for two that begin in the same one. A counter would need an
 * atomic that returns a value, which BPF has only since 5.12. The multiplication mixes upward only, so its halves are
 * swapped: then the low bits, which choose the ring, depend on the time and the CPU alike.
 */
static __always_inline __u64 fresh_connection_id(void)
{
    __u64 id = bpf_ktime_get_ns() << 10 | (bpf_get_smp_processor_id() & 1023);

    id *= 0x9e3779b97f4a7c15ULL;
    return id >> 32 | id << 32 | 1ULL << 63;
}

/* Returns 1 if the process is known to user space, now or from before. */
static __always_inline int announce_process(struct task_struct *task, __u32 pid, __u64 start_ns)
{
    struct process_state *state = bpf_map_lookup_elem(&processes, &pid);
    struct wire_process *record;
    void *ring;

    if (state && state->announced)
        return 1;
    ring = ring_of_processes();
    if (!ring)
        return 0;
    EMIT_RESERVE(ring, record, WIRE_PROCESS, WIRE_LOSS_PROCESS_RECORD);
    if (!record)
        return 0;
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
    EMIT_SUBMIT(ring, record);
    if (state)
        state->announced = 1;
    return 1;
}

static __always_inline int announce_connection(const struct connection *connection, const struct connection_key *key)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_open *record;

    if (!ring)
        return 0;
    EMIT_RESERVE(ring, record, WIRE_CONNECTION_OPEN, WIRE_LOSS_RING_FULL);
    if (!record)
        return 0;
    record->header.flags = connection->from_start ? WIRE_OPEN_FROM_START : 0;
    record->connection = connection->id;
    record->time_ns = bpf_ktime_get_ns();
    record->object = key->object;
    record->process_start_ns = key->process_start_ns;
    record->pid = key->pid;
    record->library = connection->library;
    EMIT_SUBMIT(ring, record);
    return 1;
}

/* Tells user space of the connection and of the process that it belongs to. What finds no room is tried with the next
 * call. */
static __always_inline void announce(struct connection *connection, const struct connection_key *key)
{
    if ((connection->to_announce & ANNOUNCE_PROCESS) &&
        announce_process(current_task(), key->pid, key->process_start_ns))
        connection->to_announce &= ~ANNOUNCE_PROCESS;
    if ((connection->to_announce & ANNOUNCE_CONNECTION) && announce_connection(connection, key))
        connection->to_announce &= ~ANNOUNCE_CONNECTION;
}

static __always_inline int is_announced(const struct connection *connection)
{
    return !(connection->to_announce & ANNOUNCE_CONNECTION);
}

static __always_inline struct connection *find_connection(const struct connection_key *key)
{
    return bpf_map_lookup_elem(&connections, key);
}

static __always_inline struct connection *make_connection(const struct connection_key *key, __u32 library,
                                                          __u32 from_start)
{
    struct connection fresh = {}, *made;

    fresh.id = fresh_connection_id();
    fresh.library = library;
    fresh.from_start = from_start;
    fresh.to_announce = ANNOUNCE_PROCESS | ANNOUNCE_CONNECTION;
    /* If somebody else was faster (Go reads and writes at the same time), it is theirs that counts. */
    bpf_map_update_elem(&connections, key, &fresh, BPF_NOEXIST);
    made = bpf_map_lookup_elem(&connections, key);
    if (!made)
        count_loss(WIRE_LOSS_CONNECTIONS_FULL);
    return made;
}

static __always_inline void emit_close(const struct connection *connection, __u8 why)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_close *record;

    if (!ring || !is_announced(connection))
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

/*
 * A call on this object was missed, and nobody knows what it moved: every offset from here on would be wrong. So the
 * connection ends, and what follows is one that was joined in the middle. Not inlined: rare, and needed in many places.
 */
static __noinline int lose_connection(__u64 object, __u64 process_start_ns, __u32 pid)
{
    struct connection_key key = {
        .object = object,
        .process_start_ns = process_start_ns,
        .pid = pid,
    };

    close_connection(&key, WIRE_CLOSE_LOST);
    return 0;
}

static __always_inline void emit_direction_end(struct connection *connection, __u8 direction)
{
    void *ring = ring_of(connection->id);
    struct wire_direction_end *record;

    if (!ring || connection->ended & (1u << direction) || !is_announced(connection))
        return;
    EMIT_RESERVE(ring, record, WIRE_DIRECTION_END, WIRE_LOSS_RING_FULL);
    if (!record)
        return;
    record->header.direction = direction;
    record->connection = connection->id;
    record->time_ns = bpf_ktime_get_ns();
    record->offset = connection->offset[direction];
    EMIT_SUBMIT(ring, record);
    connection->ended |= 1u << direction;
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

static __always_inline __u32 ports_of(const struct sock *sk)
{
    return (__u32)BPF_CORE_READ(sk, __sk_common.skc_num) << 16 | BPF_CORE_READ(sk, __sk_common.skc_dport);
}

static __always_inline void emit_socket(struct connection *connection, const struct sock *sk)
{
    void *ring = ring_of(connection->id);
    struct wire_connection_socket *record;

    if (!ring || connection->has_socket || !is_announced(connection))
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
    connection->socket = (__u64)sk;
    connection->ports = ports_of(sk);
}

/*
 * Where neither birth nor death of TLS objects is seen (BoringSSL has no symbols to find them by), an object at an old
 * address may be a new connection. It is, if it uses another socket, or if it reads again after its end. The kernel,
 * too, uses the memory of closed sockets again, so the ports are compared as well as the address. What is not TCP or
 * UDP over IP says nothing: a callback may talk to a daemon.
 */
static __always_inline int is_another_connection(const struct connection *connection, const struct sock *sk)
{
    __u16 family;

    if (connection->from_start || !connection->socket || !sk)
        return 0;
    family = BPF_CORE_READ(sk, __sk_common.skc_family);
    if (family != AF_INET && family != AF_INET6)
        return 0;
    return connection->socket != (__u64)sk || connection->ports != ports_of(sk);
}

/* Ends what was at this address before. Not inlined: rare. */
static __noinline int replace_connection(__u64 object, __u64 process_start_ns, __u32 pid)
{
    struct connection_key key = {
        .object = object,
        .process_start_ns = process_start_ns,
        .pid = pid,
    };

    close_connection(&key, WIRE_CLOSE_REPLACED);
    return 0;
}
