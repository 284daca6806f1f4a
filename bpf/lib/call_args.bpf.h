/*
 * From the entry of a TLS call to its return: the arguments are kept per thread, in a small stack, because a TLS call
 * can run inside another one (TLS over TLS, callbacks).
 */
#pragma once

#include "bpf/lib/conn.bpf.h"
#include "bpf/lib/copy.bpf.h"
#include "bpf/lib/filter.bpf.h"

/*
 * One would like to write: &thread->calls[index], after a comparison of index with CALL_DEPTH.
 * The verifier refuses it: clang drops the comparison or makes it on another copy of the register.
 * The trick: barrier_var makes clang forget what it knows, so the mask stays and bounds the index.
 * Tried on 5.10, 6.1, 6.12 and 6.18 with clang 14.
 */
static __always_inline struct call *call_at(struct thread_calls *thread, __u32 index)
{
    barrier_var(index);
    return &thread->calls[index & (CALL_DEPTH - 1)];
}

static const struct thread_calls no_calls;

/*
 * Is this thread's process traced? Remembers the verdict with the thread. `object` is what the present call is about.
 * Not inlined: once per thread and epoch, and large.
 */
static __noinline int judge_thread(__u64 thread, __u64 object)
{
    struct thread_calls *known = bpf_map_lookup_elem(&calls, &thread);
    struct task_struct *task = current_task();
    __u32 pid = thread >> 32, epoch = current_epoch();
    struct process_state *state = current_process(task, pid);
    __u32 traced = state ? state->traced : (__u32)matches_selection(task, pid);
    __u64 start = state ? state->start_ns : process_start_ns(task);

    if (!known) { /* else the old verdict goes, and the calls in flight stay */
        if (bpf_map_update_elem(&calls, &thread, &no_calls, BPF_ANY) && traced) {
            count_loss(WIRE_LOSS_CALLS_FULL);
            lose_connection(object, start, pid);
        }
        known = bpf_map_lookup_elem(&calls, &thread);
        if (!known)
            return 0;
        known->process_start_ns = start;
    }
    note_quick_verdict(pid, traced, epoch);
    known->epoch = epoch;
    known->traced = traced;
    known->execs = state ? state->execs : 0;
    return traced;
}

/* The calls of this thread, if its process is traced. */
static __always_inline struct thread_calls *thread_of_traced_process(__u64 thread, __u64 object)
{
    struct thread_calls *known = bpf_map_lookup_elem(&calls, &thread);

    if (known && known->epoch == filter_epoch)
        return known->traced ? known : NULL;
    return judge_thread(thread, object) ? bpf_map_lookup_elem(&calls, &thread) : NULL;
}

/* The buffer of a call that tells all of its object: whatever is called on the same object inside it is no news. */
#define ANY_BUFFER (~0ULL)

/*
 * A call begins. Returns 1 if its return is of interest. Frames that lie below the new one on the stack (at lower or
 * equal addresses) belong to calls whose return was never seen (longjmp, a coroutine, a return probe that the kernel
 * missed): they go.
 */
static __always_inline int push_call(struct thread_calls *thread, __u32 pid, const struct call *begun)
{
    struct call *call;
    __u32 depth = thread->depth;

    for (int i = 0; i < CALL_DEPTH; i++) {
        if (depth == 0 || depth > CALL_DEPTH)
            break;
        call = call_at(thread, depth - 1);
        if (call->stack > begun->stack) {
            /* Some libraries make one of the probed functions by way of another: the outer call tells it all. */
            if (call->object == begun->object && (call->buffer == begun->buffer || call->buffer == ANY_BUFFER))
                return 0;
            break;
        }
        count_loss(WIRE_LOSS_CALL_UNRETURNED);
        lose_connection(call->object, thread->process_start_ns, pid);
        depth--;
    }
    if (depth >= CALL_DEPTH) {
        count_loss(WIRE_LOSS_CALLS_NESTED);
        lose_connection(begun->object, thread->process_start_ns, pid);
        return 0;
    }
    *call_at(thread, depth) = *begun;
    thread->depth = depth + 1;
    return 1;
}

static __always_inline int is_muted_for_good(const struct connection *connection)
{
    return connection->muted[WIRE_SENT] == ~0ULL && connection->muted[WIRE_RECEIVED] == ~0ULL;
}

/* Has user space asked not to have these bytes? Remembers the answer with the connection, which is at hand. Of a
 * connection that is muted for good, user space says it for one direction and then for the other. */
static __always_inline int is_muted(struct connection *connection, __u8 direction, __u64 end)
{
    __u64 id = connection->id, known = connection->muted[direction & 1];
    struct mute *mute;

    if (!mutes_in_use)
        return 0;
    if (end <= known && (known != ~0ULL || is_muted_for_good(connection)))
        return 1;
    mute = bpf_map_lookup_elem(&mutes, &id);
    if (!mute)
        return 0;
    connection->muted[WIRE_SENT] = mute->until[WIRE_SENT];
    connection->muted[WIRE_RECEIVED] = mute->until[WIRE_RECEIVED];
    return end <= mute->until[direction & 1];
}

/*
 * Is nothing wanted of this object any more? Then its calls need not be followed to their returns, which are the dearer
 * half of a probe. Only where the beginning of the object was seen, because then the next one at its address will be
 * seen, too. Asked for threads that have used such an object, so that others do not pay for it.
 */
static __always_inline int is_over(const struct thread_calls *thread, __u64 object, __u32 pid)
{
    struct connection_key key = {
        .object = object,
        .process_start_ns = thread->process_start_ns,
        .pid = pid,
    };
    struct connection *connection = thread->mutes ? find_connection(&key) : NULL;

    return connection && connection->from_start && is_muted_for_good(connection);
}

/* A call of a thread that runs on the thread's own stack, as all but Go's do. */
static __always_inline int call_begins(__u64 object, __u64 buffer, __u64 length_ptr, __u64 stack)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct thread_calls *thread = thread_of_traced_process(thread_id, object);
    struct call begun = {
        .object = object,
        .buffer = buffer,
        .length_ptr = length_ptr,
        .stack = stack,
    };

    if (!thread || is_over(thread, object, thread_id >> 32))
        return 0;
    return push_call(thread, thread_id >> 32, &begun);
}

/*
 * A call returns: the innermost one whose frame is this one. A return address was popped since its entry. Copies the
 * call out, because the next call of this thread may overwrite it.
 */
static __always_inline int pop_call(struct thread_calls *thread, __u64 stack, struct call *out)
{
    __u32 depth = thread->depth;

    for (int i = 0; i < CALL_DEPTH; i++) {
        struct call *call;

        if (depth == 0 || depth > CALL_DEPTH)
            break;
        depth--;
        call = call_at(thread, depth);
        if (call->stack + sizeof(__u64) == stack) {
            *out = *call;
            thread->depth = depth;
            return 1;
        }
        if (call->stack + sizeof(__u64) > stack) /* an outer call; ours was never pushed */
            return 0;
    }
    return 0;
}

static __always_inline int call_ends(__u64 thread_id, __u64 stack, struct call *out, __u64 *process_start)
{
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);

    if (!thread || !pop_call(thread, stack, out))
        return 0;
    *process_start = thread->process_start_ns;
    return 1;
}

/*
 * What is written into a memory BIO leaves later, by a send of the same thread that holds exactly the ciphertext of
 * what was written since the last one. A record adds 22 bytes (TLS 1.3), 29 (TLS 1.2, AES-GCM) or 21 (TLS 1.2,
 * ChaCha20) to at most 16 KiB (RFC 8446 section 5.2, RFC 5246 section 6.2.3.3, RFC 7905).
 */
static __always_inline void expect_ciphertext(__u64 thread_id, __u64 object, __u64 length)
{
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);
    __u64 records = (length + 16383) >> 14;

    if (!thread)
        return;
    if (thread->pending_object != object) {
        thread->pending_object = object;
        thread->pending_bytes[0] = thread->pending_bytes[1] = thread->pending_bytes[2] = 0;
    }
    thread->pending_bytes[0] += length + records * 22;
    thread->pending_bytes[1] += length + records * 29;
    thread->pending_bytes[2] += length + records * 21;
    thread->pending_ns = bpf_ktime_get_ns();
}

/* The socket of a TLS connection is known: what passes over it from now on is no plain TCP. */
static __always_inline void found_socket(struct connection *connection, const struct sock *sk)
{
    __u64 socket = (__u64)sk;
    struct plain_socket *plain = bpf_map_lookup_elem(&plain_sockets, &socket);

    if (plain)
        plain->state = PLAIN_OTHER;
    emit_socket(connection, sk);
}

/* Once for each thread: the next of these calls ends where it begins (is_over). */
static __always_inline void note_mute(__u64 thread_id)
{
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);

    if (thread)
        thread->mutes = 1;
}

/* `moved` bytes of plaintext at call->buffer: the heart of every TLS family. */
static __always_inline void bytes_moved(__u64 thread_id, const struct call *call, __u64 process_start, __u8 direction,
                                        __u32 library, __u64 moved)
{
    struct connection_key key = {
        .object = call->object,
        .process_start_ns = process_start,
        .pid = thread_id >> 32,
    };
    struct connection *connection = find_connection(&key);
    __u64 offset;

    if (connection &&
        (is_another_connection(connection, (const struct sock *)call->socket) ||
         ((connection->ended & 1u << WIRE_RECEIVED) && !connection->from_start && direction == WIRE_RECEIVED))) {
        replace_connection(key.object, key.process_start_ns, key.pid);
        connection = NULL;
    }
    if (!connection) {
        connection = make_connection(&key, library, 0);
        if (!connection)
            return;
    }
    if (connection->to_announce)
        announce(connection, &key);
    if (!connection->has_socket) {
        if (call->socket)
            found_socket(connection, (const struct sock *)call->socket);
        else if (direction == WIRE_SENT && library != WIRE_LIBRARY_GO /* it sends within the call, record by record */)
            expect_ciphertext(thread_id, call->object, moved);
    }
    offset = connection->offset[direction & 1];
    connection->offset[direction & 1] = offset + moved;
    if (is_muted(connection, direction, offset + moved)) {
        if (connection->from_start && is_muted_for_good(connection))
            note_mute(thread_id);
        return;
    }
    emit_bytes(connection->id, direction, offset, call->buffer, moved);
}

/*
 * A call that moves no plaintext returns, but it may have used the socket: in the handshake both ends learn their
 * addresses before either has sent a byte, so that records of both ends can name each other.
 */
static __always_inline void socket_used(__u64 thread_id, const struct call *call, __u64 process_start)
{
    struct connection_key key = {
        .object = call->object,
        .process_start_ns = process_start,
        .pid = thread_id >> 32,
    };
    struct connection *connection = call->socket ? find_connection(&key) : NULL;

    if (!connection)
        return;
    if (is_another_connection(connection, (const struct sock *)call->socket)) {
        replace_connection(key.object, key.process_start_ns, key.pid);
        return;
    }
    if (connection->has_socket)
        return;
    if (connection->to_announce)
        announce(connection, &key);
    found_socket(connection, (const struct sock *)call->socket);
}

/* A read returned 0: the peer closed its side in order (close_notify), or the TLS object failed. */
static __always_inline void read_ended(__u64 thread_id, const struct call *call, __u64 process_start)
{
    struct connection_key key = {
        .object = call->object,
        .process_start_ns = process_start,
        .pid = thread_id >> 32,
    };
    struct connection *connection = find_connection(&key);

    if (connection)
        emit_direction_end(connection, WIRE_RECEIVED);
}
