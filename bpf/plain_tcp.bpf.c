/*
 * Plain TCP: the bytes that processes send and receive over TCP sockets without a TLS library. Four ways to be told of
 * them, of which the best that this kernel allows is used:
 *
 *   fexit       on tcp_sendmsg() and tcp_recvmsg(): costs nothing but on TCP sockets
 *   tracepoint  sock_send_length and sock_recv_length (6.3): costs nothing but on sockets
 *   kprobe      and kretprobe on the functions of the first
 *   syscall     the return of every system call, of which those that move bytes are picked out
 *
 * In all of them everything happens as the call returns: only then is it known how much was moved.
 */
#include "bpf/lib/plain.bpf.h"
#include "bpf/lib/socket_use.bpf.h"
#include "bpf/lib/syscall.bpf.h"

/* --- the life of sockets, for all four ways */

/*
 * Runs in whatever process the packet happened to interrupt. In CLOSE the socket may still be open in its process, with
 * bytes to be read (a reset, or the peer's FIN after our own), unless it was closed there before: then the kernel has
 * marked it dead, or is just about to (tcp_close() with unread bytes).
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(plain_socket_state, const struct sock *sk, const int old_state, const int new_state)
{
    __u64 socket = (__u64)sk;
    struct plain_socket fresh = {.state = PLAIN_FRESH}, *known;
    int closed_by_process;

    if (new_state == TCP_SYN_SENT || (new_state == TCP_SYN_RECV && old_state == TCP_LISTEN)) {
        if (!is_tcp(sk))
            return 0;
        known = find_plain(socket);
        if (known)
            close_plain(socket, known, WIRE_CLOSE_REPLACED);
        bpf_map_update_elem(&plain_sockets, &socket, &fresh, BPF_ANY);
        return 0;
    }
    if (new_state != TCP_ESTABLISHED && new_state != TCP_FIN_WAIT1 && new_state != TCP_LAST_ACK &&
        new_state != TCP_CLOSE)
        return 0;
    known = find_plain(socket);
    if (!known)
        return 0;
    if (new_state == TCP_ESTABLISHED) {
        if (known->state == PLAIN_FRESH) /* else it has sent with its SYN (RFC 7413) */
            note_first_bytes(known, sk);
        return 0;
    }
    if (new_state == TCP_CLOSE) {
        closed_by_process = BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DEAD & 1;
        if (BPF_CORE_READ(sk, sk_shutdown) == SHUTDOWN_MASK &&
            (old_state == TCP_ESTABLISHED || old_state == TCP_CLOSE_WAIT))
            closed_by_process = 1;
        /* Of a socket that rustls uses there may be more to read; the kernel tells when it destroys it. */
        if (closed_by_process || (!known->process_start_ns && !rustls_in_use))
            close_plain(socket, known, WIRE_CLOSE_FREED);
    } else if (known->process_start_ns) {
        struct connection_key key = {
            .object = socket,
            .process_start_ns = known->process_start_ns,
            .pid = known->pid,
            .execs = known->execs,
        };
        struct connection *connection = find_connection(&key);

        if (connection)
            emit_direction_end(connection, WIRE_SENT);
    }
    return 0;
}

/*
 * The last that is heard of a socket. Most are closed before; not those that their process closed after a reset without
 * another call, nor those that were left alone.
 */
SEC("tp_btf/tcp_destroy_sock") int BPF_PROG(plain_socket_destroyed, const struct sock *sk)
{
    __u64 socket = (__u64)sk;
    struct plain_socket *known = find_plain(socket);

    if (known)
        close_plain(socket, known, WIRE_CLOSE_FREED);
    else if (rustls_in_use)
        rustls_socket_closed((__u64)untyped(sk), WIRE_CLOSE_FREED);
    return 0;
}

/* Errors after which a connection is no more. */
static __always_inline int ends_connections(long result)
{
    return result == -32 /* EPIPE */ || result == -104 /* ECONNRESET */ || result == -110 /* ETIMEDOUT */;
}

/* --- system calls */

SEC("tp_btf/sys_exit") int BPF_PROG(plain_syscall, struct pt_regs *regs, long result)
{
    __u64 call = regs->orig_ax, socket;
    struct moved moved = {};
    int spliced_from = 0;

    if (!moves_bytes(call))
        return 0;
    if (result < 0 && !ends_connections(result))
        return 0;
    if (is_final_no(known_quick_verdict(current_pid()), current_pid()))
        return 0;
    if (result > 0 && belongs_to_tls_call(regs->sp))
        return 0;
    socket = stream_socket_of(regs->di);
    if (call == CALL_SPLICE) { /* one of its ends is a pipe */
        spliced_from = socket != 0;
        if (!socket)
            socket = stream_socket_of(regs->dx);
    }
    if (!socket || is_left_alone(socket) || !is_tcp((const struct sock *)socket) || !may_be_traced(current_pid()))
        return 0;
    if (in_compat_call(current_task())) /* other numbers, other registers */
        return 0;
    if (result <= 0) {
        plain_ended((const struct sock *)socket, result);
        return 0;
    }
    if (!moved_by_call(&moved, regs, call, result) || !moved.length)
        return 0;
    if (spliced_from)
        moved.direction = WIRE_RECEIVED;
    plain_moved((const struct sock *)socket, &moved, regs->sp);
    return 0;
}

/* --- the sockets' tracepoints */

/*
 * What was moved, out of the registers of the system call that is under way. It may be another's: io_uring moves bytes
 * in the name of whatever its process is doing, or in a thread of its own. So the descriptor must be this socket's.
 */
static __always_inline void moved_under_way(struct moved *moved, const struct pt_regs *regs, const struct sock *sk)
{
    __u64 call = regs->orig_ax;
    __u32 direction = moved->direction;
    long result = moved->length;

    if (regs->ax != (__u64)-ENOSYS) /* between calls */
        return;
    if (call == CALL_SENDMMSG || call == CALL_RECVMMSG || stream_socket_of(regs->di) != (__u64)sk)
        return;
    if (!moved_by_call(moved, regs, call, result) || moved->direction != direction) {
        moved->direction = direction;
        moved->place = PLACE_UNSEEN;
    }
}

/* A function of its own, because its stack would be too much for that of what is called for TLS (6.12). */
__noinline int plain_told(__u64 socket, __s64 result, __u32 direction)
{
    const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
    struct moved moved = {.length = result, .direction = direction, .place = PLACE_UNSEEN};

    if (result <= 0) {
        plain_ended((const struct sock *)socket, result);
        return 0;
    }
    moved_under_way(&moved, regs, (const struct sock *)socket);
    plain_moved((const struct sock *)socket, &moved, regs->sp);
    return 0;
}

static __always_inline int length_told(struct sock *told, long result, __u32 flags, __u32 direction)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    const struct sock *sk = untyped(told);
    struct thread_calls *thread;
    const struct pt_regs *regs;

    if (!may_be_traced(thread_id >> 32))
        return 0;
    thread = bpf_map_lookup_elem(&calls, &thread_id);
    if (knobs.plain_tells_sockets)
        socket_moved(thread, thread_id, told, result, direction == WIRE_SENT);
    if (result < 0 && !ends_connections(result))
        return 0;
    if (direction == WIRE_RECEIVED && flags & FLAGS_NOT_TAKEN)
        return 0;
    regs = (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
    if (thread && result > 0 && within_tls_call(thread, regs->sp))
        return 0;
    if (is_left_alone((__u64)sk) || !is_tcp(sk))
        return 0;
    if (in_compat_call(current_task())) /* other numbers, other registers */
        return 0;
    return plain_told((__u64)sk, result, direction);
}

SEC("tp_btf/sock_send_length") int BPF_PROG(plain_send_tracepoint, struct sock *sk, int ret, int flags)
{
    return length_told(sk, ret, flags, WIRE_SENT);
}

SEC("tp_btf/sock_recv_length") int BPF_PROG(plain_receive_tracepoint, struct sock *sk, int ret, int flags)
{
    return length_told(sk, ret, flags, WIRE_RECEIVED);
}

/* --- the kernel's own functions: fexit and kprobes */

/*
 * tcp_sendmsg() or tcp_recvmsg() returns; or another function that moves bytes without a message. What a TLS call of
 * this thread sends or receives is left to its probes, whatever the stack: the process's is not at hand.
 */
static __always_inline int message_moved(const struct sock *sk, const struct msghdr *message, __u32 flags,
                                         __u32 direction, long result)
{
    struct moved moved = {.length = result, .direction = direction};

    if (result < 0 && !ends_connections(result))
        return 0;
    if (!sk || !may_be_traced(current_pid()) || is_left_alone((__u64)sk))
        return 0;
    if (direction == WIRE_RECEIVED && flags & FLAGS_NOT_TAKEN)
        return 0;
    if (result <= 0) {
        plain_ended(sk, result);
        return 0;
    }
    if (message && !(direction == WIRE_RECEIVED && flags & MSG_TRUNC))
        moved_before(&moved, (const void *)message + bpf_core_field_offset(struct msghdr, msg_iter));
    plain_moved(sk, &moved, 0);
    return 0;
}

SEC("fexit/tcp_sendmsg") int BPF_PROG(plain_send_fexit, struct sock *sk, struct msghdr *msg, size_t size, int result)
{
    return message_moved(untyped(sk), msg, 0, WIRE_SENT, result);
}

/*
 * Until 5.19 (ec095263a965) six arguments: (sk, msg, len, nonblock, flags, addr_len); then five, without `nonblock`; by
 * 7.2 four, without `addr_len`. The verifier knows the knob and looks at one branch only.
 */
SEC("fexit/tcp_recvmsg") int plain_receive_fexit(unsigned long long *arguments)
{
    const struct sock *sk = untyped((const void *)arguments[0]);
    const struct msghdr *msg = (const void *)arguments[1];

    if (knobs.receive_arguments == 6)
        return message_moved(sk, msg, arguments[4], WIRE_RECEIVED, (int)arguments[6]);
    if (knobs.receive_arguments == 5)
        return message_moved(sk, msg, arguments[3], WIRE_RECEIVED, (int)arguments[5]);
    return message_moved(sk, msg, arguments[3], WIRE_RECEIVED, (int)arguments[4]);
}

/* Until 6.5 (dc97391e6610); afterwards sendfile() and splice() come as messages that hold pages. */
SEC("fexit/tcp_sendpage")
int BPF_PROG(plain_sendpage_fexit, struct sock *sk, struct page *page, int offset, size_t size, int flags, int result)
{
    return message_moved(untyped(sk), NULL, 0, WIRE_SENT, result);
}

SEC("fexit/tcp_splice_read")
int BPF_PROG(plain_splice_fexit, struct socket *socket, void *position, void *pipe, size_t size, unsigned int flags,
             long result)
{
    return message_moved(BPF_CORE_READ(socket, sk), NULL, 0, WIRE_RECEIVED, result);
}

/*
 * The kernel keeps a few kretprobe instances per function (kernel/kprobes.c: ten, or two for each CPU). A read that
 * waits holds one; with more of them waiting, returns are missed, which shows when the thread makes its next call.
 */
static __always_inline int call_enters(const struct sock *sk, const struct msghdr *message, __u32 flags)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct plain_call call = {.socket = (__u64)sk, .message = (__u64)message, .flags = flags}, *unreturned;

    if (!may_be_traced(thread_id >> 32))
        return 0;
    unreturned = bpf_map_lookup_elem(&plain_calls, &thread_id);
    if (unreturned) {
        lose_plain(unreturned->socket, WIRE_LOSS_CALL_UNRETURNED);
        bpf_map_delete_elem(&plain_calls, &thread_id);
    }
    if (!is_left_alone((__u64)sk) && bpf_map_update_elem(&plain_calls, &thread_id, &call, BPF_ANY))
        lose_plain((__u64)sk, WIRE_LOSS_CALLS_FULL);
    return 0;
}

static __always_inline int call_leaves(__u32 direction, long result)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct plain_call *known = bpf_map_lookup_elem(&plain_calls, &thread_id), call;

    if (!known)
        return 0;
    call = *known;
    bpf_map_delete_elem(&plain_calls, &thread_id);
    return message_moved((const void *)call.socket, (const void *)call.message, call.flags, direction, result);
}

SEC("kprobe/tcp_sendmsg") int BPF_KPROBE(plain_send_kprobe, struct sock *sk, struct msghdr *msg)
{
    return call_enters(sk, msg, 0);
}

SEC("kprobe/tcp_recvmsg") int plain_receive_kprobe(struct pt_regs *ctx)
{
    __u64 fourth = PT_REGS_PARM4(ctx), fifth = PT_REGS_PARM5(ctx);

    barrier_var(fourth); /* else clang chooses an address within ctx, which the verifier does not allow */
    barrier_var(fifth);
    return call_enters((const void *)PT_REGS_PARM1(ctx), (const void *)PT_REGS_PARM2(ctx),
                       knobs.receive_arguments == 6 ? fifth : fourth);
}

SEC("kprobe/tcp_sendpage") int BPF_KPROBE(plain_sendpage_kprobe, struct sock *sk)
{
    return call_enters(sk, NULL, 0);
}

SEC("kprobe/tcp_splice_read") int BPF_KPROBE(plain_splice_kprobe, struct socket *socket)
{
    return call_enters(BPF_CORE_READ(socket, sk), NULL, 0);
}

SEC("kretprobe/tcp_sendmsg") int BPF_KRETPROBE(plain_send_kretprobe, int result)
{
    return call_leaves(WIRE_SENT, result);
}

SEC("kretprobe/tcp_recvmsg") int BPF_KRETPROBE(plain_receive_kretprobe, int result)
{
    return call_leaves(WIRE_RECEIVED, result);
}

SEC("kretprobe/tcp_sendpage") int BPF_KRETPROBE(plain_sendpage_kretprobe, int result)
{
    return call_leaves(WIRE_SENT, result);
}

SEC("kretprobe/tcp_splice_read") int BPF_KRETPROBE(plain_splice_kretprobe, int result)
{
    return call_leaves(WIRE_RECEIVED, result);
}
