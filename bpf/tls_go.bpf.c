/*
 * Go's crypto/tls: (*Conn).Read(b []byte) (n int, err error), Write, Close, clientHandshake and serverHandshake, in
 * Go's calling convention of 1.17 and later (ABIInternal): the receiver in RAX, a slice in RBX (address), RCX (length)
 * and RDI, the results in RAX and in RBX and RCX, the goroutine in R14.
 *
 * Return probes would break Go, whose stacks move: the programs of the return stand on the RET instructions
 * (agent/capture/live/go_finder.h). Those of the entry stand on the jump that follows the comparison of the stack
 * pointer with the stack's limit: where it is taken, the stack grows first and the function begins anew.
 *
 * A goroutine goes from thread to thread while it waits, so its calls are kept by goroutine, not by thread. Reads and
 * writes on one connection run at the same time.
 */
#include "bpf/lib/tls_call.bpf.h"

#define FLAG_CARRY 0x01
#define FLAG_ZERO  0x40

/* Where `jbe` goes. */
static __always_inline int stack_will_grow(struct pt_regs *ctx)
{
    return ctx->flags & (FLAG_CARRY | FLAG_ZERO);
}

#define GO_STACK_HI 8 /* g.stack.hi, the second word of runtime.g */

/*
 * A place on the goroutine's stack that stays the same when the stack is moved: the distance from its upper end does.
 * As an address that falls as the stack grows, which is what push_call compares.
 */
static __always_inline int go_frame(struct pt_regs *ctx, __u64 *frame)
{
    __u64 hi = 0;

    if (read_user_u64(&hi, ctx->r14 + GO_STACK_HI) || hi < PT_REGS_SP(ctx))
        return 0;
    *frame = (1ULL << 62) - (hi - PT_REGS_SP(ctx));
    return 1;
}

static __always_inline struct thread_calls *goroutine_calls(const struct goroutine_key *key, __u64 process_start_ns)
{
    struct thread_calls *known = bpf_map_lookup_elem(&go_calls, key);

    if (!known) {
        bpf_map_update_elem(&go_calls, key, &no_calls, BPF_ANY);
        known = bpf_map_lookup_elem(&go_calls, key);
    }
    if (known && known->process_start_ns != process_start_ns) {
        known->process_start_ns = process_start_ns; /* another process had this number */
        known->depth = 0;
    }
    return known;
}

static __always_inline int go_io_entry(struct pt_regs *ctx)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct call begun = {.object = ctx->ax, .buffer = ctx->bx};
    struct connection_key key = {.object = begun.object, .pid = thread_id >> 32};
    struct goroutine_key goroutine_key = {.goroutine = ctx->r14, .pid = thread_id >> 32};
    struct thread_calls *thread, *goroutine;
    struct connection *connection;

    if (stack_will_grow(ctx) || (__s64)ctx->cx <= 0)
        return 0;
    thread = thread_of_traced_process(thread_id, begun.object);
    if (!thread)
        return 0;
    thread->in_go = 1;
    key.process_start_ns = thread->process_start_ns;
    if (!go_frame(ctx, &begun.stack)) {
        count_loss(WIRE_LOSS_UNREADABLE);
        close_connection(&key, WIRE_CLOSE_LOST);
        return 0;
    }
    goroutine = goroutine_calls(&goroutine_key, key.process_start_ns);
    if (!goroutine) {
        count_loss(WIRE_LOSS_CALLS_FULL);
        close_connection(&key, WIRE_CLOSE_LOST);
        return 0;
    }
    connection = find_connection(&key);
    if (connection)
        begun.connection = connection->id;
    if (!push_call(goroutine, key.pid, &begun) || !begun.connection)
        return 0;
    connection = find_connection(&key); /* a call whose return was never seen may have ended it */
    if (connection && connection->id == begun.connection)
        __sync_fetch_and_add(&connection->calls, 1);
    return 0;
}

/* Is this the error io.EOF, an *errors.errorString? Another error is a deadline that has passed, or the end of all. */
static __always_inline int is_eof(__u64 type, __u64 value)
{
    __u64 text = 0, length = 0;
    char word[3] = {};

    if (!type || read_user_u64(&text, value) || read_user_u64(&length, value + 8) || length != sizeof(word))
        return 0;
    if (read_user_bytes(word, sizeof(word), text))
        return 0;
    return word[0] == 'E' && word[1] == 'O' && word[2] == 'F';
}

/*
 * One goroutine may close a connection while another's call on it has not returned: a read that waits, but also the
 * write of a request whose answer has been read already.
 */
static __always_inline void close_if_idle(const struct connection *connection, const struct connection_key *key)
{
    if (connection->closing && connection->calls == 0)
        close_connection(key, WIRE_CLOSE_FREED);
}

static __always_inline int go_io_return(struct pt_regs *ctx, __u8 direction)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), frame = 0;
    struct goroutine_key goroutine_key = {.goroutine = ctx->r14, .pid = thread_id >> 32};
    struct thread_calls *goroutine = bpf_map_lookup_elem(&go_calls, &goroutine_key);
    struct connection_key key = {.pid = thread_id >> 32};
    struct connection *connection;
    __s64 moved = ctx->ax;
    struct call call;

    if (!goroutine || !go_frame(ctx, &frame))
        return 0;
    /* The return address has not been popped yet. */
    if (!pop_call(goroutine, frame + sizeof(__u64), &call))
        return 0;
    key.object = call.object;
    key.process_start_ns = goroutine->process_start_ns;
    if (goroutine->depth == 0)
        bpf_map_delete_elem(&go_calls, &goroutine_key);
    if (call.connection) {
        connection = find_connection(&key);
        if (!connection || connection->id != call.connection)
            return 0; /* it was replaced or lost meanwhile */
    }
    if (moved > 0)
        bytes_moved(thread_id, &call, key.process_start_ns, direction, WIRE_LIBRARY_GO, moved);
    else if (direction == WIRE_RECEIVED && is_eof(ctx->bx, ctx->cx))
        read_ended(thread_id, &call, key.process_start_ns);
    if (call.connection) {
        connection = find_connection(&key);
        if (!connection || connection->id != call.connection)
            return 0;
        __sync_fetch_and_add(&connection->calls, -1);
        close_if_idle(connection, &key);
    }
    return 0;
}

UPROBE(go_read_entry)
{
    return go_io_entry(ctx);
}

UPROBE(go_read_return)
{
    return go_io_return(ctx, WIRE_RECEIVED);
}

UPROBE(go_write_entry)
{
    return go_io_entry(ctx);
}

UPROBE(go_write_return)
{
    return go_io_return(ctx, WIRE_SENT);
}

/* func (c *Conn) Close() error: the only sign of an end, since what is garbage is collected in silence. */
UPROBE(go_close_entry)
{
    struct connection_key key = {};
    struct connection *connection;

    if (stack_will_grow(ctx) || !key_of_object(&key, ctx->ax))
        return 0;
    connection = find_connection(&key);
    if (!connection)
        return 0;
    connection->closing = 1;
    close_if_idle(connection, &key);
    return 0;
}

/*
 * func (c *Conn) clientHandshake(context.Context) error and serverHandshake: a connection begins, and what was at this
 * address before is gone. The first read or write may make the handshake; one that is made within a read or write when
 * bytes have been moved already is a renegotiation (RFC 5746).
 */
UPROBE(go_handshake_entry)
{
    struct goroutine_key goroutine_key = {.goroutine = ctx->r14, .pid = current_pid()};
    struct connection_key key = {};
    struct connection *connection;
    struct thread_calls *goroutine;
    struct call *call = NULL;
    __u32 depth;

    if (stack_will_grow(ctx) || !key_of_object(&key, ctx->ax))
        return 0;
    goroutine = bpf_map_lookup_elem(&go_calls, &goroutine_key);
    depth = goroutine ? goroutine->depth : 0;
    if (goroutine && depth > 0 && depth <= CALL_DEPTH) {
        call = call_at(goroutine, depth - 1);
        connection = find_connection(&key);
        if (call->object == key.object && connection &&
            (connection->offset[WIRE_SENT] || connection->offset[WIRE_RECEIVED]))
            return 0;
    }
    connection = object_made(&key, WIRE_LIBRARY_GO);
    if (!connection)
        return 0;
    if (connection->to_announce)
        announce(connection, &key); /* now, when it is in one goroutine's hands */
    if (call && call->object == key.object) {
        call->connection = connection->id;
        __sync_fetch_and_add(&connection->calls, 1);
    }
    return 0;
}
