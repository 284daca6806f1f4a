/*
 * Plain TCP: which sockets are of interest, and what is made of the bytes that they move. The programs that are told of
 * those bytes, in one of four ways, are in plain_tcp.bpf.c.
 *
 * A socket of which the beginning was seen is judged by its first bytes: what does not begin like HTTP is left alone
 * from then on, at the price of one look-up per call. One that was in use already cannot be judged like that; its bytes
 * are delivered, and user space mutes it for good if it finds nothing in them.
 */
#pragma once

#include "bpf/lib/call_args.bpf.h"
#include "bpf/lib/hello.bpf.h"
#include "bpf/lib/moved.bpf.h"
#include "bpf/lib/rustls.bpf.h"

#define LATE_LOOKS 8 /* calls of a late socket that are searched for a TLS record's header */

/* include/net/sock.h and include/net/tcp_states.h */
#define RCV_SHUTDOWN  1
#define SHUTDOWN_MASK 3
#ifndef SOCK_STREAM
#define SOCK_STREAM 1
#endif

/*
 * Three functions that are not static, so that the verifier looks at each once and by itself, and not again for every
 * path that leads there (Linux 5.6). That is why their arguments are numbers. All of them are seldom called.
 */

__noinline int judge_quickly(__u32 pid)
{
    __u32 epoch = current_epoch(), traced = is_traced_now(current_task(), pid) != 0;

    note_quick_verdict(pid, traced, epoch);
    return traced;
}

__noinline int judge_again(__u64 thread, __u64 socket)
{
    return judge_thread(thread, socket);
}

/* Tells user space of a connection, and of its addresses. */
__noinline int introduce(__u64 socket, __u64 process_start_ns, __u32 pid, __u32 execs)
{
    struct connection_key key = {
        .object = socket,
        .process_start_ns = process_start_ns,
        .pid = pid,
        .execs = execs,
    };
    struct connection *connection = find_connection(&key);

    if (!connection)
        return 0;
    if (connection->to_announce)
        announce(connection, &key);
    emit_socket(connection, (const struct sock *)socket);
    return 0;
}

static __always_inline __u64 known_quick_verdict(__u32 pid)
{
    __u64 *verdict = quick_verdict_of(pid);

    return verdict ? *verdict : 0;
}

/*
 * For programs that run at each call of each process. No is final until something changes. Where users or names are
 * selected it is never final: nothing tells of a setuid(), and of a name only before it is changed.
 */
static __always_inline int is_final_no(__u64 known, __u32 pid)
{
    return known == quick_verdict(pid, 0, filter_epoch) && !(knobs.select & (SELECT_UID | SELECT_COMM));
}

/*
 * Yes is only a reason to look further, for the process is judged, and remembered, when it is first seen to do what is
 * of interest.
 */
static __always_inline int may_be_traced(__u32 pid)
{
    __u64 known = known_quick_verdict(pid);

    if (is_final_no(known, pid))
        return 0;
    return known == quick_verdict(pid, 1, filter_epoch) || judge_quickly(pid);
}

/* The calls of this thread, if its process is traced. */
static __always_inline struct thread_calls *traced_thread(__u64 socket)
{
    __u64 thread = bpf_get_current_pid_tgid();
    struct thread_calls *known = bpf_map_lookup_elem(&calls, &thread);

    if (known && known->epoch == filter_epoch)
        return known->traced ? known : NULL;
    return judge_again(thread, socket) ? bpf_map_lookup_elem(&calls, &thread) : NULL;
}

static __always_inline int is_tcp(const struct sock *sk)
{
    __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

    return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline struct plain_socket *find_plain(__u64 socket)
{
    return bpf_map_lookup_elem(&plain_sockets, &socket);
}

static __always_inline int is_left_alone(__u64 socket)
{
    struct plain_socket *known = find_plain(socket);

    return known && known->state == PLAIN_OTHER;
}

/* A socket of the kernel itself (NFS, CIFS), on which calls of any process are served. */
static __always_inline int is_of_kernel(const struct sock *sk)
{
    return !BPF_CORE_READ(sk, sk_socket, file);
}

static __always_inline struct plain_socket *meet_late(const struct sock *sk)
{
    struct plain_socket fresh = {.state = is_of_kernel(sk) ? PLAIN_OTHER : PLAIN_LATE};
    __u64 socket = (__u64)sk;

    bpf_map_update_elem(&plain_sockets, &socket, &fresh, BPF_NOEXIST);
    return find_plain(socket);
}

/*
 * Do these bytes belong to a TLS call that is under way on this thread, whose plaintext is taken there? `stack` is the
 * stack pointer of the process, 0 if unknown: a call whose return was missed lies below it.
 */
static __always_inline int within_tls_call(struct thread_calls *thread, __u64 stack)
{
    __u32 depth = thread->depth;

    return depth > 0 && depth <= CALL_DEPTH && call_at(thread, depth - 1)->stack > stack;
}

/* The same before anything is known of the call: what TLS libraries do is by far the most of what traced processes do.
 */
static __always_inline int belongs_to_tls_call(__u64 stack)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);

    return thread && within_tls_call(thread, stack);
}

/* Is this connection to be followed? Decides it with the first bytes. */
static __always_inline int is_of_interest(struct plain_socket *plain, const struct moved *moved, __u64 socket)
{
    struct vector first;
    __u64 bytes = 0;
    __u32 count;

    if (plain->state == PLAIN_HTTP)
        return 1;
    /* What went by unseen may have been the beginning of anything. */
    if (plain->state == PLAIN_FRESH && moved->place == PLACE_UNSEEN)
        plain->state = PLAIN_LATE;
    if (plain->state == PLAIN_LATE && plain->looks >= LATE_LOOKS && !knobs.late_must_look)
        return 1;
    count = first_bytes(moved, &bytes, &first);
    if (plain->state == PLAIN_HELLO) {
        if (moved->direction == WIRE_SENT)
            sent_behind_hello(plain, socket, bytes, count, moved->length);
        return 0;
    }
    if (plain->state == PLAIN_LATE) {
        plain->looks++;
        if (knobs.late_must_look) {
            if (count && looks_like_http(bytes, count))
                plain->state = PLAIN_HTTP;
            return plain->state == PLAIN_HTTP;
        }
        if (looks_like_tls(bytes, count))
            plain->state = PLAIN_OTHER;
        return plain->state != PLAIN_OTHER;
    }
    if (count && looks_like_http(bytes, count)) {
        plain->state = PLAIN_HTTP;
        return 1;
    }
    plain->state = PLAIN_OTHER;
    if (looks_like_client_hello(bytes, count) && first.length >= HELLO_LEAST) {
        if (moved->direction != WIRE_SENT)
            hello_received(first.address);
        else if (tell_hello(socket, first.address, first.length))
            plain->state = PLAIN_HELLO;
    }
    return 0;
}

/* How far a socket has come: the sequence number of the byte that the process will send, or receive, next. */
static __always_inline __u32 next_sequence(const struct sock *sk, __u8 direction)
{
    const struct tcp_sock *tcp = (const struct tcp_sock *)sk;

    return direction == WIRE_SENT ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
}

static __always_inline void note_first_bytes(struct plain_socket *plain, const struct sock *sk)
{
    plain->base[WIRE_SENT] = next_sequence(sk, WIRE_SENT);
    plain->base[WIRE_RECEIVED] = next_sequence(sk, WIRE_RECEIVED);
    plain->based = 1 << WIRE_SENT | 1 << WIRE_RECEIVED;
}

/*
 * The bytes that went by unseen if `expected` is the next sequence number after a call: by io_uring, by a call that the
 * kernel did not tell of, by another process. Negative if others were faster than this program, and the order is lost.
 */
static __always_inline __s32 bytes_missed(const struct sock *sk, __u8 direction, __u32 expected)
{
    __s32 missed = next_sequence(sk, direction) - expected;

    /* The peer's FIN has a number of its own, and may be taken together with the last bytes (RFC 9293 section 3.4). */
    if (missed == 1 && direction == WIRE_RECEIVED && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
        return 0;
    return missed;
}

/*
 * What the process took out of the stream by ways that nobody tells of (splice() where the sockets' tracepoints tell),
 * at its end: without this, a body that ends with the connection would look whole.
 */
__noinline int note_missed_end(__u64 socket, __u64 process_start_ns, __u32 pid, __u32 execs)
{
    struct connection_key key = {
        .object = socket,
        .process_start_ns = process_start_ns,
        .pid = pid,
        .execs = execs,
    };
    struct connection *connection = find_connection(&key);
    __u64 offset;
    __s32 missed;

    if (!connection || !is_announced(connection) || !(connection->based & 1 << WIRE_RECEIVED))
        return 0;
    offset = connection->offset[WIRE_RECEIVED];
    missed = bytes_missed((const struct sock *)socket, WIRE_RECEIVED, connection->base[WIRE_RECEIVED] + (__u32)offset);
    if (missed <= 0 || is_muted(connection, WIRE_RECEIVED, offset + missed))
        return 0;
    connection->offset[WIRE_RECEIVED] = offset + missed;
    emit_unseen(connection->id, WIRE_RECEIVED, offset, missed, WIRE_MISSING_UNSEEN);
    return 0;
}

static __always_inline void close_plain(__u64 socket, struct plain_socket *plain, __u8 why)
{
    struct connection_key key = {
        .object = socket,
        .process_start_ns = plain->process_start_ns,
        .pid = plain->pid,
        .execs = plain->execs,
    };

    if (key.process_start_ns) {
        /* One that was left alone later, because it turned out to be TLS's, has told of nothing since. */
        if (why == WIRE_CLOSE_FREED && plain->state != PLAIN_OTHER)
            note_missed_end((__u64)untyped((const struct sock *)socket), key.process_start_ns, key.pid, key.execs);
        close_connection(&key, why);
    }
    if (rustls_in_use)
        rustls_socket_closed((__u64)untyped((const struct sock *)socket), why);
    bpf_map_delete_elem(&plain_sockets, &socket);
}

/* The same before what this call moved. */
static __always_inline __s32 missed_before(struct connection *connection, const struct sock *sk,
                                           const struct moved *moved)
{
    __u8 direction = moved->direction & 1;
    __u32 behind = connection->offset[direction] + moved->length;

    if (connection->based & 1 << direction)
        return bytes_missed(sk, direction, connection->base[direction] + behind);
    connection->base[direction] = next_sequence(sk, direction) - behind;
    connection->based |= 1 << direction;
    return 0;
}

/* What a call moved is not known: the connection ends, and what follows is one that was joined in the middle. */
static __noinline int lose_plain(__u64 socket, __u32 loss)
{
    struct plain_socket *known = find_plain(socket);

    count_loss(loss);
    if (known)
        close_plain(socket, known, WIRE_CLOSE_LOST);
    return 0;
}

static __always_inline void key_of_socket(struct connection_key *key, __u64 socket, const struct thread_calls *thread)
{
    key->object = socket;
    key->process_start_ns = thread->process_start_ns;
    key->pid = current_pid();
    key->execs = thread->execs;
}

/*
 * A call moved bytes over this socket, which is TCP and was not left alone a moment ago: the heart of all four ways.
 * The caller's process may be traced.
 */
static __always_inline void plain_moved(const struct sock *sk, const struct moved *moved, __u64 stack)
{
    __u64 socket = (__u64)sk, offset;
    struct thread_calls *thread = traced_thread(socket);
    struct plain_socket *plain;
    struct connection *connection;
    struct connection_key key = {};
    __u32 fresh;
    __s32 missed;

    if (!thread)
        return;
    plain = find_plain(socket);
    if (!plain)
        plain = meet_late(sk);
    if (plain && plain->state == PLAIN_FRESH && is_of_kernel(sk))
        plain->state = PLAIN_OTHER;
    if (!plain || plain->state == PLAIN_OTHER)
        return;
    if (within_tls_call(thread, stack)) {
        plain->state = PLAIN_OTHER;
        return;
    }
    if (plain->state == PLAIN_FRESH && plain->based &&
        bytes_missed(sk, moved->direction & 1, plain->base[moved->direction & 1] + (__u32)moved->length))
        plain->state = PLAIN_LATE;
    fresh = plain->state == PLAIN_FRESH && moved->place != PLACE_UNSEEN;
    if (!is_of_interest(plain, moved, socket))
        return;
    key_of_socket(&key, socket, thread);
    connection = find_connection(&key);
    if (!connection) {
        connection = make_connection(&key, WIRE_LIBRARY_NONE, fresh);
        if (!connection)
            return;
        plain->process_start_ns = key.process_start_ns;
        plain->pid = key.pid;
        plain->execs = key.execs;
        if (fresh && plain->based) {
            connection->base[WIRE_SENT] = plain->base[WIRE_SENT];
            connection->base[WIRE_RECEIVED] = plain->base[WIRE_RECEIVED];
            connection->based = plain->based;
        }
    }
    if (connection->to_announce || !connection->has_socket)
        introduce(socket, key.process_start_ns, key.pid, key.execs);
    missed = missed_before(connection, sk, moved);
    if (missed < 0) {
        lose_plain(socket, WIRE_LOSS_UNSEEN);
        return;
    }
    offset = connection->offset[moved->direction & 1] + missed;
    connection->offset[moved->direction & 1] = offset + moved->length;
    if (is_muted(connection, moved->direction, offset + moved->length)) {
        if (is_muted_for_good(connection))
            plain->state = PLAIN_OTHER;
        return;
    }
    if (missed)
        emit_unseen(connection->id, moved->direction & 1, offset - missed, missed, WIRE_MISSING_UNSEEN);
    emit_moved(connection->id, offset, moved);
}

/* Nothing is left to be received: the queue is empty, or holds the peer's FIN and no bytes with it. */
static __always_inline int nothing_to_receive(const struct sock *sk)
{
    __u32 waiting = BPF_CORE_READ(sk, sk_receive_queue.qlen);

    return waiting == 0 || (waiting == 1 && BPF_CORE_READ(sk, sk_receive_queue.next, len) == 0);
}

/*
 * A call came back with nothing, or with an error that ends connections. 0 is the end of what the peer sends, unless
 * nothing was asked for.
 */
static __always_inline void plain_ended(const struct sock *sk, long result)
{
    __u64 socket = (__u64)sk;
    struct plain_socket *plain = find_plain(socket);
    struct thread_calls *thread;
    struct connection_key key = {};
    struct connection *connection;

    if (!plain || !plain->process_start_ns)
        return;
    thread = traced_thread(socket);
    if (!thread)
        return;
    key_of_socket(&key, socket, thread);
    connection = find_connection(&key);
    if (connection && result == 0 && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN && nothing_to_receive(sk)) {
        note_missed_end(socket, key.process_start_ns, key.pid, key.execs);
        emit_direction_end(connection, WIRE_RECEIVED);
    }
    /* With that the process knows that there will be no more; it may keep the socket open for long. */
    if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE && nothing_to_receive(sk))
        close_plain(socket, plain, WIRE_CLOSE_FREED);
}
