/*
 * GnuTLS 3.
 *
 * ssize_t gnutls_record_recv(session, data, size) and gnutls_record_send return the number of bytes, 0 at the end, or a
 * negative code. What gnutls_record_send2, gnutls_record_send_range and gnutls_record_recv_seq have besides are further
 * arguments.
 *
 * A send that returned GNUTLS_E_AGAIN has taken its bytes: they are encrypted already. It is called again with the same
 * arguments, or with none (NULL and 0), and then returns how many were taken the first time, which are those at the
 * same address if it was given again. If it was not, nobody knows where they are by now: their number is told, and they
 * are missing (a result beyond the size that was given).
 */
#include "bpf/lib/tls_call.bpf.h"

static __always_inline int gnutls_io_entry(struct pt_regs *ctx)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct call begun = {
        .object = PT_REGS_PARM1(ctx),
        .buffer = PT_REGS_PARM2(ctx),
        .size = PT_REGS_PARM3(ctx),
        .stack = PT_REGS_SP(ctx),
    };
    struct thread_calls *thread;

    /* A call for nothing moves nothing, unless it goes on with a send. */
    if (!begun.size && begun.buffer)
        return 0;
    thread = thread_of_traced_process(thread_id, begun.object);
    return thread ? push_call(thread, thread_id >> 32, &begun) : 0;
}

static __always_inline int gnutls_io_return(struct pt_regs *ctx, __u8 direction)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), start = 0;
    __s64 result = PT_REGS_RC(ctx);
    struct call call;

    if (!call_ends(thread_id, PT_REGS_SP(ctx), &call, &start))
        return 0;
    if (result > 0) {
        if ((__u64)result > call.size)
            call.buffer = 0; /* cannot be read, and so is counted as missing */
        bytes_moved(thread_id, &call, start, direction, WIRE_LIBRARY_GNUTLS, result);
    } else if (result == 0 && direction == WIRE_RECEIVED && call.size) {
        read_ended(thread_id, &call, start);
    }
    return 0;
}

CALL_PROGRAMS(gnutls_recv, gnutls_io_entry(ctx), gnutls_io_return(ctx, WIRE_RECEIVED))
CALL_PROGRAMS(gnutls_send, gnutls_io_entry(ctx), gnutls_io_return(ctx, WIRE_SENT))

HANDSHAKE_PROGRAMS(gnutls)

/*
 * ssize_t gnutls_record_recv_packet(session, packet *): the bytes stay in the library until the caller asks for their
 * address. How many there are is told, and that they are missing.
 */
static __always_inline int gnutls_packet_return(struct pt_regs *ctx)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), start = 0;
    __s64 result = PT_REGS_RC(ctx);
    struct call call;

    if (!call_ends(thread_id, PT_REGS_SP(ctx), &call, &start))
        return 0;
    call.buffer = 0;
    if (result > 0)
        bytes_moved(thread_id, &call, start, WIRE_RECEIVED, WIRE_LIBRARY_GNUTLS, result);
    else if (result == 0)
        read_ended(thread_id, &call, start);
    return 0;
}

static __always_inline int gnutls_packet_entry(struct pt_regs *ctx)
{
    return call_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 0, PT_REGS_SP(ctx));
}

CALL_PROGRAMS(gnutls_recv_packet, gnutls_packet_entry(ctx), gnutls_packet_return(ctx))

/*
 * int gnutls_record_uncork(session, flags): sends with gnutls_record_send what earlier calls of gnutls_record_send have
 * taken, so what is called inside it was counted before.
 */
static __always_inline int gnutls_uncork_begins(struct pt_regs *ctx)
{
    return call_begins(PT_REGS_PARM1(ctx), ANY_BUFFER, 0, PT_REGS_SP(ctx));
}

CALL_PROGRAMS(gnutls_uncork, gnutls_uncork_begins(ctx), handshake_return(ctx))

/* int gnutls_init(gnutls_session_t *, flags): leaves the new session behind the pointer. */
static __always_inline int gnutls_init_begins(struct pt_regs *ctx)
{
    return call_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM1(ctx), 0, PT_REGS_SP(ctx));
}

static __always_inline int gnutls_init_ends(struct pt_regs *ctx)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct connection_key key = {.pid = thread_id >> 32};
    struct call call;

    if (!call_ends(thread_id, PT_REGS_SP(ctx), &call, &key.process_start_ns))
        return 0;
    if (!(int)PT_REGS_RC(ctx) && !read_user_u64(&key.object, call.buffer))
        object_made(&key, WIRE_LIBRARY_GNUTLS);
    return 0;
}

CALL_PROGRAMS(gnutls_init, gnutls_init_begins(ctx), gnutls_init_ends(ctx))

/* void gnutls_deinit(session) */
UPROBE(gnutls_deinit_entry)
{
    return object_freed(ctx);
}

#define GNUTLS_NAME_DNS 1

/* int gnutls_server_name_set(session, type, const void *name, size_t length) */
UPROBE(gnutls_server_name_set_entry)
{
    struct connection_key key = {};

    if ((int)PT_REGS_PARM2(ctx) != GNUTLS_NAME_DNS || !key_of_object(&key, PT_REGS_PARM1(ctx)))
        return 0;
    emit_server_name(&key, PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx));
    return 0;
}
