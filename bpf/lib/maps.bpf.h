/*
 * Every map, and for each: key, value, who writes, who deletes, what happens when it is full.
 *
 * Weak, because each program file carries a copy and the linker keeps one.
 */
#pragma once

#include "bpf/lib/base.bpf.h"

extern const volatile struct knobs knobs;

/*
 * Raised by user space when it changes what is selected, and by the kernel programs when a process may have come under
 * another verdict. A thread's cached verdict is good for one epoch only.
 */
extern __u32 filter_epoch;

/* Set by user space with its first mute, so that nobody pays for looking them up before. */
extern __u32 mutes_in_use;

/* Set by the first call of rustls in any process, so that nobody pays for its sockets before. */
extern __u32 rustls_in_use;

/*
 * The ring buffers, one per worker thread of the agent; a connection always uses the same one.
 * Written by emit.bpf.h alone. Full: the record is dropped and counted, stream offsets go on, so the reader sees the
 * gap.
 */
struct ring {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096); /* the agent creates the real ones */
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, RINGS_MAX);
    __type(key, __u32);
    __array(values, struct ring);
} rings __weak SEC(".maps");

/*
 * What processes have unread in rings of which a quarter or more is unread (share.bpf.h). Key: process and ring.
 * Written by the programs that emit its bytes, never deleted. Full: the least recently used one is dropped, and counted
 * anew.
 */
struct share_key {
    __u32 pid;
    __u32 ring;
};

struct share {
    __u64 since; /* the ring's position where the newer part begins ... */
    __u64 last;  /* ... and where the last record does */
    __u64 older; /* bytes before that position */
    __u64 newer;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, struct share_key);
    __type(value, struct share);
} shares __weak SEC(".maps");

/*
 * TLS calls in flight. Key: thread (pid_tgid). Written by the entry and return programs of that thread only; the
 * element stays for the thread's next call and is deleted when the thread exits. Full: the call is not captured, and
 * counted, and its connection ends (lose_connection), because nothing is known of what the call moved.
 */
#define CALL_DEPTH 4

struct call {
    __u64 object; /* TLS object */
    __u64 buffer;
    union {
        __u64 length_ptr; /* where the function leaves the number of bytes; 0: in its return value */
        __u64 size;       /* GnuTLS: of the buffer */
        __u64 connection; /* Go: the id that the object had when the call began; 0: none yet */
    };
    __u64 stack;  /* stack pointer at entry, to match returns that overtake or get lost */
    __u64 socket; /* struct sock that carried bytes during this call */
};

struct thread_calls {
    __u64 process_start_ns;
    __u32 depth;
    __u32 epoch;  /* filter_epoch of the verdict */
    __u32 traced; /* the verdict */
    __u32 in_go;  /* goroutines make TLS calls on this thread: see go_calls */
    __u32 execs;  /* of the process, see struct process_state */
    __u32 mutes;  /* it has used a connection that is muted for good */
    /* Ciphertext lengths that a send of this thread would have, if it carries what was written into a memory BIO. */
    __u64 pending_object;
    __u64 pending_ns;
    __u64 pending_bytes[3];
    struct call calls[CALL_DEPTH];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u64);
    __type(value, struct thread_calls);
} calls __weak SEC(".maps");

/*
 * The same for goroutines, which go from thread to thread while they wait. Key: process and goroutine (the address of
 * its g). Written by the programs of the thread that runs it; deleted when its last call returns, and by user space
 * when the process is gone. Of the value, what is about the thread is not used. Full: as with `calls`.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, struct goroutine_key);
    __type(value, struct thread_calls);
} go_calls __weak SEC(".maps");

/*
 * What is known of a process. Key: thread-group id. Written by the filter at the first TLS call, on fork for children
 * that inherit, and by user space for processes that were selected while running; deleted when the process exits. Full:
 * the process is looked at afresh each time and announced with each connection (correct, slower), and its children do
 * not inherit.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 32768);
    __type(key, __u32);
    __type(value, struct process_state);
} processes __weak SEC(".maps");

/*
 * Connections. Key: process and TLS object, or process and socket. Written by the return programs, under whatever lock
 * the application holds for its TLS object; deleted when the object is freed or the socket closed. Those of processes
 * that are gone are never used again, and so are the first to make room. Full: the least recently used one is dropped;
 * if it was alive, it comes back as a new connection that was joined in the middle.
 */
struct connection_key {
    __u64 object;
    __u64 process_start_ns;
    __u32 pid;
    __u32 execs; /* 0 for TLS objects, which no exec survives */
};

enum announcement {
    ANNOUNCE_PROCESS = 1,
    ANNOUNCE_CONNECTION = 2,
};

struct connection {
    __u64 id;
    __u64 offset[WIRE_DIRECTIONS];
    __u32 library;
    __u32 from_start;
    __u32 to_announce; /* enum announcement, or-ed: what user space has still to be told */
    __u32 has_socket;
    __u32 ended;                 /* for which directions WIRE_DIRECTION_END was sent: 1 << enum wire_direction */
    __u32 ports;                 /* of its socket, both */
    __u64 socket;                /* its struct sock; 0: not known */
    __u32 calls;                 /* Go: under way on it, in any goroutine */
    __u32 closing;               /* Go: it ends with the last of them */
    __u32 base[WIRE_DIRECTIONS]; /* plain TCP: the sequence number of offset 0 ... */
    __u32 based;                 /* ... for the directions for which it is known: 1 << enum wire_direction */
    __u32 reserved;
    __u64 muted[WIRE_DIRECTIONS]; /* what its mute was when it was last looked up: they only grow */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, struct connection_key);
    __type(value, struct connection);
} connections __weak SEC(".maps");

/* Mutes. Key: connection id. Written and deleted by user space only. Full: user space keeps getting bytes it will
 * ignore. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u64);
    __type(value, struct mute);
} mutes __weak SEC(".maps");

/*
 * TCP sockets, and what plain TCP has to do with them. Key: struct sock. Written by the program on socket states when a
 * connection begins, by those that see bytes move, and deleted by the former when the socket is closed. Full: the least
 * recently used one is dropped; if it was alive, it comes back as one that was joined in the middle.
 */
enum plain_state {
    PLAIN_FRESH = 1, /* seen from its start, and no byte yet */
    PLAIN_LATE = 2,  /* met in the middle: its bytes are delivered, and user space decides */
    PLAIN_HTTP = 3,  /* begins like HTTP: its bytes are delivered */
    PLAIN_OTHER = 4, /* TLS, or nothing that is of use: left alone */
    PLAIN_HELLO = 5, /* begins with a ClientHello that user space was told of; left alone once it has carried data */
};

struct plain_socket {
    __u64 process_start_ns; /* whose connection it is: with `pid` and `execs` the key in `connections`; 0: nobody's */
    __u32 pid;
    __u32 execs;
    __u32 state;                 /* enum plain_state */
    __u32 looks;                 /* at the bytes of a late one; PLAIN_HELLO: bytes of data that were sent */
    __u32 base[WIRE_DIRECTIONS]; /* sequence numbers of the first bytes ... */
    __u32 based;                 /* ... which are known: it was seen when it was established */
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, __u64);
    __type(value, struct plain_socket);
} plain_sockets __weak SEC(".maps");

/*
 * ClientHellos that processes have received outside of TLS calls. Key: process, and the first half of the client's
 * random. Who sends one on is a proxy. Written by the programs of plain TCP, never deleted. Full: the least recently
 * used one is dropped.
 */
struct hello_key {
    __u64 random[2];
    __u32 pid;
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct hello_key);
    __type(value, __u32);
} received_hellos __weak SEC(".maps");

/*
 * rustls: what a thread is doing. Key: thread. Written by the programs of that thread only. Full: the least recently
 * used one is dropped; a call under way on it is missed, which its connection's next record shows.
 */
struct rustls_thread {
    __u64 stack; /* stack pointer at the entry of the call under way; 0: there is none */
    __u64 object;
    __u64 sequence;
    __u64 result;
    __u64 message[5];    /* as the call found it */
    __u64 ciphertext[2]; /* the first of what is to be decrypted */
    __u64 direction;
    __u64 received_from; /* the socket of the thread's last receive, and where in the process its bytes are */
    __u64 received_at;
    __u64 received_end;
    __u64 received_ciphertext[2]; /* of the record with which they begin, if they begin with one */
    __u64 process_start_ns;       /* of the process that is known to call rustls */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, __u64);
    __type(value, struct rustls_thread);
} rustls_threads __weak SEC(".maps");

/*
 * rustls: encrypters and decrypters. Key: process and object. Written by the return programs, and when a socket is
 * found to carry an encrypter's records; never deleted. Full: the least recently used one is dropped; if it was alive,
 * its connection ends and begins anew.
 */
struct rustls_object {
    __u64 next_sequence;
    __u64 born;   /* when it was first seen: another one may come to its address */
    __u64 socket; /* its struct sock; 0: not known yet */
    __u64 offset; /* plaintext since it was first seen */
    __u64 told;   /* of that: what the offsets of its connection include */
    __u32 ports;  /* of its socket, both */
    __u32 late;   /* not seen from its first record on */
    __u32 kept;   /* records that wait for their socket */
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, struct connection_key);
    __type(value, struct rustls_object);
} rustls_objects __weak SEC(".maps");

/*
 * rustls: records that were encrypted and not yet sent by an object whose socket is not known. Key: process, and the
 * first bytes of the ciphertext, by which the send is recognised: no two records begin alike. Written by the return
 * program, deleted when they are sent. Full: the least recently used one is dropped; its bytes become a gap.
 */
#define RUSTLS_RECORD_MAX 16384 /* RFC 8446 section 5.1 */
#define RUSTLS_HEADER     5     /* of a record */

struct rustls_record_key {
    __u64 ciphertext[2];
    __u32 pid;
    __u32 reserved;
};

struct rustls_record {
    __u64 object;
    __u64 object_born;
    __u64 process_start_ns;
    __u64 offset; /* in the object's stream */
    __u32 length;
    __u32 captured;
    __u8 plaintext[2 * RUSTLS_RECORD_MAX]; /* twice, so that an offset and a length within a record are always inside */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 64);
    __type(key, struct rustls_record_key);
    __type(value, struct rustls_record);
} rustls_records __weak SEC(".maps");

/* rustls: whose connection a socket is. Key: struct sock. Written when that is found out, deleted when it is closed.
 * Full: the least recently used one is dropped, and its connection ends with its process. */
struct rustls_owner {
    __u64 process_start_ns;
    __u32 pid;
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, __u64);
    __type(value, struct rustls_owner);
} rustls_sockets __weak SEC(".maps");

/*
 * Calls into the kernel's TCP that are under way, where entry and return are seen by different programs (kprobes). Key:
 * thread. Written at entry, deleted at return. Full: the call is counted as lost, and its connection ends.
 */
struct plain_call {
    __u64 socket;
    __u64 message; /* struct msghdr; 0: it moves bytes that are not seen */
    __u32 flags;
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64);
    __type(value, struct plain_call);
} plain_calls __weak SEC(".maps");

/*
 * Verdicts where they must cost next to nothing: calls of each process of the node are asked about. Index: the lower
 * bits of the thread-group id; value: all of it, the verdict and its epoch (filter.bpf.h). Whoever shares a place with
 * another process is judged anew each time they take turns.
 */
#define QUICK_VERDICTS 65536

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, QUICK_VERDICTS);
    __type(key, __u32);
    __type(value, __u64);
} quick_verdicts __weak SEC(".maps");

/* Selections, written by user space before the programs run. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, __u32);
} target_pids __weak SEC(".maps");

struct comm_key {
    char comm[WIRE_COMM_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, struct comm_key);
    __type(value, __u32);
} target_comms __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, struct exe_key);
    __type(value, __u32);
} target_exes __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u32);
    __type(value, __u32);
} target_uids __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
    __uint(max_entries, SELECT_CGROUPS_MAX);
    __type(key, __u32);
    __type(value, __u32);
} target_cgroups __weak SEC(".maps");

/* Key: 0; value: a program. Nobody writes them, and nothing is ever called by way of them (uprobe.bpf.h). */
struct no_programs {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
};

struct no_programs no_programs __weak SEC(".maps");
struct no_programs no_sessions __weak SEC(".maps");

/* Losses by enum wire_loss, per CPU. Only ever added to. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WIRE_LOSS_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} losses __weak SEC(".maps");

static __always_inline void count_loss(__u32 which)
{
    __u64 *count = bpf_map_lookup_elem(&losses, &which);

    /* Uprobe programs can be preempted by one another on the same CPU. */
    if (count)
        __sync_fetch_and_add(count, 1);
}
