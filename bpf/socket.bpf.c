/*
 * The hooks that tell which socket carries a TLS connection, for each send and receive. Three ways, of which the best
 * that loads is used: the sock_*_length tracepoints (6.3), fexit, kprobe. Where plain TCP is captured by the same
 * tracepoints, its programs do this too (plain_tcp.bpf.c).
 */
#include "bpf/lib/socket_use.bpf.h"

static __always_inline int socket_told(struct sock *sk, long bytes, int is_send)
{
    __u64 thread_id = bpf_get_current_pid_tgid();

    socket_moved(bpf_map_lookup_elem(&calls, &thread_id), thread_id, sk, bytes, is_send);
    return 0;
}

SEC("tp_btf/sock_send_length") int BPF_PROG(socket_send_tracepoint, struct sock *sk, int ret, int flags)
{
    return socket_told(sk, ret, 1);
}

SEC("tp_btf/sock_recv_length") int BPF_PROG(socket_receive_tracepoint, struct sock *sk, int ret, int flags)
{
    return socket_told(sk, ret, 0);
}

SEC("fexit/tcp_sendmsg") int BPF_PROG(socket_send_fexit, struct sock *sk, struct msghdr *msg, size_t size, int ret)
{
    return socket_told(sk, ret, 1);
}

/* Entry, not exit: tcp_recvmsg's arguments differ between kernels except for the first. */
SEC("fentry/tcp_recvmsg") int BPF_PROG(socket_receive_fentry, struct sock *sk)
{
    return socket_told(sk, 0, 0);
}

SEC("kprobe/tcp_sendmsg") int BPF_KPROBE(socket_send_kprobe, struct sock *sk, struct msghdr *msg, size_t size)
{
    return socket_told(sk, size, 1);
}

SEC("kprobe/tcp_recvmsg") int BPF_KPROBE(socket_receive_kprobe, struct sock *sk)
{
    return socket_told(sk, 0, 0);
}
