/*
 * System calls that move bytes over sockets, as they return or just before: which, on what descriptor, from or into
 * what memory. The registers still hold the arguments then, so no program is needed at their entry, and calls that were
 * under way when tracing began are seen like all others.
 *
 * Numbers and registers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl); another architecture has its own.
 */
#pragma once

#include "bpf/lib/moved.bpf.h"

#define CALL_READ     0
#define CALL_WRITE    1
#define CALL_READV    19
#define CALL_WRITEV   20
#define CALL_SENDFILE 40
#define CALL_SENDTO   44
#define CALL_RECVFROM 45
#define CALL_SENDMSG  46
#define CALL_RECVMSG  47
#define CALL_SPLICE   275
#define CALL_RECVMMSG 299
#define CALL_SENDMMSG 307
#define CALL_PREADV2  327
#define CALL_PWRITEV2 328

/* The most frequent calls have low numbers: one comparison sends nearly everything else away. */
#define LOW_CALL(number) (1ULL << (number))
#define LOW_CALLS                                                                                         \
    (LOW_CALL(CALL_READ) | LOW_CALL(CALL_WRITE) | LOW_CALL(CALL_READV) | LOW_CALL(CALL_WRITEV) |          \
     LOW_CALL(CALL_SENDFILE) | LOW_CALL(CALL_SENDTO) | LOW_CALL(CALL_RECVFROM) | LOW_CALL(CALL_SENDMSG) | \
     LOW_CALL(CALL_RECVMSG))

static __always_inline int moves_bytes(__u64 call)
{
    if (call < 64)
        return LOW_CALLS >> call & 1;
    return call == CALL_SPLICE || call == CALL_RECVMMSG || call == CALL_SENDMMSG || call == CALL_PREADV2 ||
           call == CALL_PWRITEV2;
}

#ifndef ENOSYS
#define ENOSYS 38 /* include/uapi/asm-generic/errno.h; what a system call would return as long as it is under way */
#endif

/* include/linux/socket.h */
#define MSG_OOB      0x1
#define MSG_PEEK     0x2
#define MSG_TRUNC    0x20
#define MSG_ERRQUEUE 0x2000

/* With these, a call receives nothing that belongs to the stream, or does not take it out. */
#define FLAGS_NOT_TAKEN (MSG_OOB | MSG_PEEK | MSG_ERRQUEUE)

/* The vectors of a struct msghdr in the process. */
static __always_inline void message_vectors(struct moved *moved, __u64 message)
{
    struct user_msghdr header;

    moved->place = PLACE_UNSEEN;
    if (bpf_probe_read_user(&header, sizeof(header), (const void *)message))
        return;
    moved->address = (__u64)header.msg_iov;
    moved->place = PLACE_VECTORS;
}

#define MESSAGES_MAX 64

/* What sendmmsg() and recvmmsg() moved with `count` messages. Their bytes are not read: hardly anybody uses them on
 * TCP. */
static __always_inline __u64 length_of_messages(__u64 messages, __u64 count)
{
    __u64 sum = 0;

    for (__u32 i = 0; i < MESSAGES_MAX; i++) {
        struct mmsghdr message;

        if (i >= count)
            break;
        if (bpf_probe_read_user(&message, sizeof(message), (const void *)messages))
            break;
        sum += message.msg_len;
        messages += sizeof(message);
    }
    return sum;
}

/*
 * What this call moved; 0 if it is none that did. `result` is not negative. For splice() the caller finds out which end
 * is the socket.
 */
static __always_inline int moved_by_call(struct moved *moved, const struct pt_regs *regs, __u64 call, long result)
{
    moved->length = result;
    moved->direction = WIRE_SENT;
    moved->address = regs->si;
    moved->place = PLACE_BUFFER;
    switch (call) {
    case CALL_READ:
        moved->direction = WIRE_RECEIVED;
        return 1;
    case CALL_WRITE:
    case CALL_SENDTO:
        return 1;
    case CALL_RECVFROM:
        moved->direction = WIRE_RECEIVED;
        if (regs->r10 & MSG_TRUNC) /* tcp(7): the bytes are discarded */
            moved->place = PLACE_UNSEEN;
        return !(regs->r10 & FLAGS_NOT_TAKEN);
    case CALL_READV:
    case CALL_PREADV2:
        moved->direction = WIRE_RECEIVED;
        moved->place = PLACE_VECTORS;
        return 1;
    case CALL_WRITEV:
    case CALL_PWRITEV2:
        moved->place = PLACE_VECTORS;
        return 1;
    case CALL_SENDMSG:
        message_vectors(moved, regs->si);
        return 1;
    case CALL_RECVMSG:
        if (regs->dx & FLAGS_NOT_TAKEN)
            return 0;
        moved->direction = WIRE_RECEIVED;
        message_vectors(moved, regs->si);
        if (regs->dx & MSG_TRUNC)
            moved->place = PLACE_UNSEEN;
        return 1;
    case CALL_SENDFILE:
    case CALL_SPLICE:
        moved->place = PLACE_UNSEEN;
        return 1;
    case CALL_RECVMMSG:
        if (regs->r10 & FLAGS_NOT_TAKEN)
            return 0;
        moved->direction = WIRE_RECEIVED;
        moved->length = length_of_messages(regs->si, result);
        moved->place = PLACE_UNSEEN;
        return 1;
    case CALL_SENDMMSG:
        moved->length = length_of_messages(regs->si, result);
        moved->place = PLACE_UNSEEN;
        return 1;
    default:
        return 0;
    }
}

#define FILE_TYPE   0170000 /* include/uapi/linux/stat.h */
#define SOCKET_TYPE 0140000

/*
 * The socket behind a descriptor of this process, if it is a stream socket. Not inlined: splice() has two of them.
 * Another thread may close the descriptor during the call and give it to another file; whoever does that to a call
 * under way cannot know either what became of its bytes.
 */
static __noinline __u64 stream_socket_of(__u64 descriptor)
{
    __u32 count = 0;
    struct file **files = open_files(&count), *file = NULL;
    struct socket *socket;

    descriptor &= 0xffffffff;
    if (!files || descriptor >= count)
        return 0;
    if (bpf_probe_read_kernel(&file, sizeof(file), files + descriptor) || !file)
        return 0;
    if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != SOCKET_TYPE)
        return 0;
    socket = BPF_CORE_READ(file, private_data);
    if (BPF_CORE_READ(socket, type) != SOCK_STREAM)
        return 0;
    return (__u64)BPF_CORE_READ(socket, sk);
}
