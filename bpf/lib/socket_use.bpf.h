/*
 * Which socket carries a TLS connection. Fields of SSL and BIO objects are not read (their offsets rot); the socket is
 * the one that moves bytes while a TLS call is in flight on the same thread, or, for runtimes that encrypt into memory,
 * the one that the same thread then sends exactly that ciphertext to. A goroutine's calls are its own and not those of
 * the thread: the register that holds the goroutine tells whose the socket is.
 */
#pragma once

#include "bpf/lib/rustls.bpf.h"

#define PENDING_NS 1000000000ULL /* a runtime flushes its ciphertext at once; a second is generous */

/*
 * A client that speaks TLS 1.3 may send its first data together with the end of its handshake: a record with Finished,
 * of 26 bytes and a hash of 32 or 48 (RFC 8446 sections 4.4.4 and 5.2), mostly behind a change_cipher_spec of 6 bytes
 * (appendix D.4).
 */
static __always_inline int is_end_of_handshake(__u64 bytes)
{
    return bytes == 58 || bytes == 74 || bytes == 64 || bytes == 80;
}

/* Not inlined: its stack would be too much for that of what is called for rustls (6.12). */
static __noinline int match_ciphertext(struct thread_calls *thread, __u64 thread_id, struct sock *sk, long sent)
{
    struct connection_key key = {
        .object = thread->pending_object,
        .process_start_ns = thread->process_start_ns,
        .pid = thread_id >> 32,
    };
    struct connection *connection;
    __u64 bytes = sent;

    thread->pending_object = 0;
    if (bpf_ktime_get_ns() - thread->pending_ns > PENDING_NS)
        return 0;
    if (bytes != thread->pending_bytes[0] && bytes != thread->pending_bytes[1] && bytes != thread->pending_bytes[2] &&
        !is_end_of_handshake(bytes - thread->pending_bytes[0]))
        return 0;
    connection = find_connection(&key);
    if (connection)
        found_socket(connection, sk);
    return 0;
}

/* Nor is this. */
static __noinline int note_goroutine_socket(__u32 pid, struct sock *sk)
{
    struct goroutine_key key = {.pid = pid};
    struct pt_regs *regs = user_registers(current_task());
    struct thread_calls *goroutine;
    __u32 depth;

    if (!regs)
        return 0;
    key.goroutine = BPF_CORE_READ(regs, r14);
    goroutine = bpf_map_lookup_elem(&go_calls, &key);
    if (!goroutine)
        return 0;
    depth = goroutine->depth;
    if (depth > 0 && depth <= CALL_DEPTH)
        call_at(goroutine, depth - 1)->socket = (__u64)sk;
    return 0;
}

/* `thread`: the current one's calls, if it has any. `bytes`: an error, if negative; 0 where that is not known yet. */
static __always_inline void socket_moved(struct thread_calls *thread, __u64 thread_id, struct sock *sk, long bytes,
                                         int is_send)
{
    __u32 depth;

    if (rustls_in_use && bytes >= 0)
        rustls_socket_used((__u64)untyped(sk), is_send);
    if (!thread)
        return;
    depth = thread->depth;
    if (depth > 0 && depth <= CALL_DEPTH)
        call_at(thread, depth - 1)->socket = (__u64)sk;
    else if (thread->in_go)
        note_goroutine_socket(thread_id >> 32, sk);
    else if (is_send && thread->pending_object && bytes > 0)
        match_ciphertext(thread, thread_id, sk, bytes);
}
