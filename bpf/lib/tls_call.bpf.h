/*
 * What the families of TLS libraries share whose calls look like read(2) and write(2): object, buffer, length. Each
 * family names its functions and its programs; here is what they do.
 */
#pragma once

#include "bpf/lib/call_args.bpf.h"
#include "bpf/lib/uprobe.bpf.h"

/* The number of bytes is returned, or left behind a pointer: the fourth argument, or the fifth. */
enum length_by { LENGTH_RETURNED, LENGTH_BEHIND_POINTER, LENGTH_BEHIND_FIFTH };

/* What a read that returns 0 says. SSL_read_ex returns it for every failure, SSL_ERROR_WANT_READ included; the others
 * return -1 for those, and 0 for the end. */
enum zero { ZERO_ENDS, ZERO_FAILS };

static __always_inline int io_entry(struct pt_regs *ctx, enum length_by by)
{
    /* A call for nothing moves nothing, and its 0 would be taken for the end. */
    if (by == LENGTH_RETURNED ? (int)PT_REGS_PARM3(ctx) <= 0 : PT_REGS_PARM3(ctx) == 0)
        return 0;
    return call_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx),
                       by == LENGTH_RETURNED ? 0
                                             : (by == LENGTH_BEHIND_POINTER ? PT_REGS_PARM4(ctx) : PT_REGS_PARM5(ctx)),
                       PT_REGS_SP(ctx));
}

static __always_inline int io_return(struct pt_regs *ctx, __u8 direction, enum zero zero, __u32 library)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), start = 0, moved;
    int result = (int)PT_REGS_RC(ctx); /* an int: -1 must not become 4 GB */
    struct call call;

    if (!call_ends(thread_id, PT_REGS_SP(ctx), &call, &start))
        return 0;
    if (result <= 0) {
        /* It may have shaken hands on a socket all the same: that of a new connection, perhaps. */
        if (call.socket)
            socket_used(thread_id, &call, start);
        if (result == 0 && direction == WIRE_RECEIVED && zero == ZERO_ENDS)
            read_ended(thread_id, &call, start);
        return 0;
    }
    moved = result;
    if (call.length_ptr && read_user_u64(&moved, call.length_ptr)) {
        count_loss(WIRE_LOSS_UNREADABLE);
        lose_connection(call.object, start, thread_id >> 32);
        return 0;
    }
    if (moved)
        bytes_moved(thread_id, &call, start, direction, library, moved);
    return 0;
}

/* A handshake: its first argument is the TLS object, and it moves no plaintext, so its buffer is 0. */
static __always_inline int handshake_entry(struct pt_regs *ctx)
{
    return call_begins(PT_REGS_PARM1(ctx), 0, 0, PT_REGS_SP(ctx));
}

static __always_inline int handshake_return(struct pt_regs *ctx)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), start = 0;
    struct call call;

    if (call_ends(thread_id, PT_REGS_SP(ctx), &call, &start))
        socket_used(thread_id, &call, start);
    return 0;
}

/* The programs of one such function, and of a handshake. */
#define IO_PROGRAMS(family, name, by, direction, zero, library) \
    CALL_PROGRAMS(family##_##name, io_entry(ctx, by), io_return(ctx, direction, zero, library))
#define HANDSHAKE_PROGRAMS(family) CALL_PROGRAMS(family##_handshake, handshake_entry(ctx), handshake_return(ctx))

static __always_inline int key_of_object(struct connection_key *key, __u64 object)
{
    struct thread_calls *thread = thread_of_traced_process(bpf_get_current_pid_tgid(), object);

    if (!thread)
        return 0;
    key->object = object;
    key->process_start_ns = thread->process_start_ns;
    key->pid = current_pid();
    return 1;
}

/* `length` of a name that need not end in a NUL; WIRE_NAME_MAX: it does. */
static __always_inline void emit_server_name(const struct connection_key *key, __u64 name, __u64 length)
{
    struct connection *connection = find_connection(key);
    struct wire_connection_name *record;
    void *ring;

    if (!connection || !name)
        return;
    if (connection->to_announce)
        announce(connection, key);
    ring = ring_of(connection->id);
    if (!ring)
        return;
    EMIT_RESERVE(ring, record, WIRE_CONNECTION_NAME, WIRE_LOSS_RING_FULL);
    if (!record)
        return;
    record->connection = connection->id;
    if (read_user_name(record->name, sizeof(record->name), name) <= 0) {
        bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
        return;
    }
    barrier_var(length);
    if (length < WIRE_NAME_MAX)
        record->name[length] = 0;
    EMIT_SUBMIT(ring, record);
}

/* A TLS object is made: whatever was at this address before is gone, and this one is seen from its start. */
static __always_inline struct connection *object_made(const struct connection_key *key, __u32 library)
{
    close_connection(key, WIRE_CLOSE_REPLACED);
    return make_connection(key, library, 1);
}

/* A function returns a new TLS object. */
static __always_inline int object_returned(struct pt_regs *ctx, __u32 library)
{
    struct connection_key key = {};

    if (PT_REGS_RC(ctx) && key_of_object(&key, PT_REGS_RC(ctx)))
        object_made(&key, library);
    return 0;
}

/* A TLS object is freed, which is the function's first argument. */
static __always_inline int object_freed(struct pt_regs *ctx)
{
    struct connection_key key = {};

    if (PT_REGS_PARM1(ctx) && key_of_object(&key, PT_REGS_PARM1(ctx)))
        close_connection(&key, WIRE_CLOSE_FREED);
    return 0;
}
