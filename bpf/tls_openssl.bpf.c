/*
 * OpenSSL 1.1 and 3 (and what keeps its calling convention).
 *
 * SSL_read(ssl, buf, num) and SSL_write return the number of bytes; SSL_read_ex(ssl, buf, num, *done) and SSL_write_ex
 * return 1 and leave the number behind a pointer, and so do the internal functions behind all four, where probes are
 * cheap (agent/capture/live/probe_site.h). Which programs are used is decided by autoload.
 *
 * Everything is emitted when a call returns: only then is it known how many bytes were read or accepted. A retry after
 * SSL_ERROR_WANT_* passes the same buffer again, and only the call that succeeds counts.
 */
#include "bpf/lib/call_args.bpf.h"

/* Session probes (6.13) are one attachment for entry and return, and spare the return of calls that are of no interest.
 */
extern _Bool bpf_session_is_return(void) __ksym __weak;

enum length_by { LENGTH_RETURNED, LENGTH_BEHIND_POINTER };

/* What a read that returns 0 says. SSL_read_ex returns it for every failure, SSL_ERROR_WANT_READ included; the others
 * return -1 for those, and 0 for the end. */
enum zero { ZERO_ENDS, ZERO_FAILS };

static __always_inline int io_entry(struct pt_regs *ctx, enum length_by by)
{
    /* A call for nothing moves nothing, and its 0 would be taken for the end. */
    if (by == LENGTH_RETURNED ? (int)PT_REGS_PARM3(ctx) <= 0 : PT_REGS_PARM3(ctx) == 0)
        return 0;
    return call_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), by == LENGTH_BEHIND_POINTER ? PT_REGS_PARM4(ctx) : 0,
                       PT_REGS_SP(ctx));
}

static __always_inline int io_return(struct pt_regs *ctx, __u8 direction, enum zero zero)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), start = 0, moved;
    int result = (int)PT_REGS_RC(ctx); /* an int: -1 must not become 4 GB */
    struct call call;

    if (!call_ends(thread_id, PT_REGS_SP(ctx), &call, &start))
        return 0;
    if (result <= 0) {
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
        bytes_moved(thread_id, &call, start, direction, WIRE_LIBRARY_OPENSSL, moved);
    return 0;
}

/* int SSL_do_handshake(SSL *), which SSL_connect and SSL_accept are made of. It reads no length, so its buffer is 0. */
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

SEC("uprobe") int openssl_handshake_entry(struct pt_regs *ctx)
{
    handshake_entry(ctx);
    return 0;
}

SEC("uretprobe") int openssl_handshake_return(struct pt_regs *ctx)
{
    return handshake_return(ctx);
}

SEC("uprobe") int openssl_handshake_session(struct pt_regs *ctx)
{
    if (bpf_session_is_return())
        return handshake_return(ctx);
    return !handshake_entry(ctx);
}

#define IO_PROGRAMS(name, by, direction, zero)                                     \
    SEC("uprobe") int openssl_##name##_entry(struct pt_regs *ctx)                  \
    {                                                                              \
        io_entry(ctx, by);                                                         \
        return 0;                                                                  \
    }                                                                              \
    SEC("uretprobe") int openssl_##name##_return(struct pt_regs *ctx)              \
    {                                                                              \
        return io_return(ctx, direction, zero);                                    \
    }                                                                              \
    /* A session's entry program says with 1 that the return is of no interest. */ \
    SEC("uprobe") int openssl_##name##_session(struct pt_regs *ctx)                \
    {                                                                              \
        if (bpf_session_is_return())                                               \
            return io_return(ctx, direction, zero);                                \
        return !io_entry(ctx, by);                                                 \
    }

IO_PROGRAMS(read, LENGTH_RETURNED, WIRE_RECEIVED, ZERO_ENDS)
IO_PROGRAMS(write, LENGTH_RETURNED, WIRE_SENT, ZERO_FAILS)
IO_PROGRAMS(read_ex, LENGTH_BEHIND_POINTER, WIRE_RECEIVED, ZERO_FAILS)
IO_PROGRAMS(write_ex, LENGTH_BEHIND_POINTER, WIRE_SENT, ZERO_FAILS)
IO_PROGRAMS(read_internal, LENGTH_BEHIND_POINTER, WIRE_RECEIVED, ZERO_ENDS)

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

/* SSL *SSL_new(SSL_CTX *): whatever was at this address before is gone, and this one is seen from its start. */
SEC("uretprobe") int openssl_new_return(struct pt_regs *ctx)
{
    struct connection_key key = {};

    if (!PT_REGS_RC(ctx) || !key_of_object(&key, PT_REGS_RC(ctx)))
        return 0;
    close_connection(&key, WIRE_CLOSE_REPLACED);
    make_connection(&key, WIRE_LIBRARY_OPENSSL, 1);
    return 0;
}

/* void SSL_free(SSL *) */
SEC("uprobe") int openssl_free_entry(struct pt_regs *ctx)
{
    struct connection_key key = {};

    if (PT_REGS_PARM1(ctx) && key_of_object(&key, PT_REGS_PARM1(ctx)))
        close_connection(&key, WIRE_CLOSE_FREED);
    return 0;
}

#define SSL_CTRL_SET_TLSEXT_HOSTNAME 55

static __always_inline void emit_server_name(const struct connection_key *key, __u64 name)
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
    EMIT_SUBMIT(ring, record);
}

/* long SSL_ctrl(SSL *, int cmd, long, void *parg): SSL_set_tlsext_host_name is a macro over it. */
SEC("uprobe") int openssl_ctrl_entry(struct pt_regs *ctx)
{
    struct connection_key key = {};

    if ((int)PT_REGS_PARM2(ctx) != SSL_CTRL_SET_TLSEXT_HOSTNAME || !key_of_object(&key, PT_REGS_PARM1(ctx)))
        return 0;
    emit_server_name(&key, PT_REGS_PARM4(ctx));
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
