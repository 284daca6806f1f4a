/*
 * The one contract between the kernel programs and the agent: the records of the ring buffers.
 *
 * Included by BPF C (after vmlinux.h) and by C++ (agent/capture/record_decoder.cpp, tests). Little changes, and a
 * change of layout raises LLMSNOOP_WIRE_VERSION. tests/layout compares every struct here with the BTF of the built
 * object.
 *
 * Every record begins with struct wire_header. Fixed part first, then `size - sizeof(fixed part)` bytes of payload or
 * text. A record may be longer than what it says it holds (size classes); the rest is old memory and must not be read.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define LLMSNOOP_WIRE_VERSION 1

enum wire_kind {
    WIRE_DATA = 1,
    WIRE_CONNECTION_OPEN = 2,
    WIRE_CONNECTION_SOCKET = 3,
    WIRE_CONNECTION_NAME = 4,
    WIRE_DIRECTION_END = 5,
    WIRE_CONNECTION_CLOSE = 6,
    WIRE_PROCESS = 7,
    WIRE_PROCESS_EXEC = 8,
    WIRE_PROCESS_EXIT = 9,
    WIRE_HELLO = 10,
    WIRE_HELLO_DATA = 11,
};

enum wire_direction {
    WIRE_SENT = 0,
    WIRE_RECEIVED = 1,
    WIRE_DIRECTIONS = 2,
};

/* Why a data record holds less than it stands for. */
enum wire_missing {
    WIRE_MISSING_NOTHING = 0,
    WIRE_MISSING_UNREADABLE = 1, /* a page of the buffer was not present */
    WIRE_MISSING_CALL_LIMIT = 2, /* the call was longer than is captured of one call */
    WIRE_MISSING_MUTED = 3,      /* user space had asked not to have it */
    WIRE_MISSING_UNSEEN = 4,     /* moved without a buffer of the process: sendfile, splice, MSG_TRUNC */
    WIRE_MISSING_RING_FULL = 5,  /* there was no room for it, but for this */
    WIRE_MISSING_SHARE = 6,      /* the process has more than its share of the ring */
};

enum wire_library {
    WIRE_LIBRARY_NONE = 0, /* plain TCP */
    WIRE_LIBRARY_OPENSSL = 1,
    WIRE_LIBRARY_BORINGSSL = 2,
    WIRE_LIBRARY_GNUTLS = 3,
    WIRE_LIBRARY_GO = 4,
    WIRE_LIBRARY_RUSTLS = 5,
};

enum wire_close {
    WIRE_CLOSE_FREED = 0,    /* the TLS object was freed or shut down; the socket is closed */
    WIRE_CLOSE_REPLACED = 1, /* a new object or socket appeared at the same address */
    WIRE_CLOSE_LOST = 2,     /* a call on it was missed, so its offsets are no longer true; it goes on under a new id */
};

struct wire_header {
    __u32 size; /* of the whole record, this header included */
    __u8 version;
    __u8 kind;      /* enum wire_kind */
    __u8 direction; /* enum wire_direction, for WIRE_DATA and WIRE_DIRECTION_END */
    __u8 flags;     /* by kind */
};

/* Bytes that one call moved, or one piece of them. The header's flags hold enum wire_missing. */
struct wire_data {
    struct wire_header header;
    __u64 connection;
    __u64 time_ns;  /* CLOCK_MONOTONIC, when the call returned */
    __u64 offset;   /* of the first byte, counted per direction since the connection was first seen */
    __u32 length;   /* bytes that this record stands for */
    __u32 captured; /* bytes that follow; at most `length` */
};

struct wire_socket {
    __u8 local_address[16]; /* network order; IPv4 uses the first four bytes */
    __u8 peer_address[16];
    __u16 local_port; /* host order */
    __u16 peer_port;
    __u32 family; /* AF_INET, AF_INET6; 0: unknown or another family */
};

#define WIRE_OPEN_FROM_START 1 /* flag: the TLS object, or the TCP connection, was seen being made */

struct wire_connection_open {
    struct wire_header header;
    __u64 connection;
    __u64 time_ns;
    __u64 object; /* address of the TLS object in the process; of the socket in the kernel, for plain TCP and rustls */
    __u64 process_start_ns;
    __u32 pid; /* thread-group id in the initial pid namespace */
    __u32 library;
};

struct wire_connection_socket {
    struct wire_header header;
    __u64 connection;
    struct wire_socket socket;
};

#define WIRE_NAME_MAX 256 /* RFC 6066: a DNS host name, at most 253 characters */

struct wire_connection_name {
    struct wire_header header;
    __u64 connection;
    char name[WIRE_NAME_MAX]; /* NUL-terminated */
};

struct wire_direction_end {
    struct wire_header header;
    __u64 connection;
    __u64 time_ns;
    __u64 offset; /* length of the stream */
};

/* The header's flags hold enum wire_close. */
struct wire_connection_close {
    struct wire_header header;
    __u64 connection;
    __u64 time_ns;
    __u64 offset[WIRE_DIRECTIONS]; /* lengths of both streams */
};

#define WIRE_COMM_MAX      16
#define WIRE_PATH_MAX      512

#define WIRE_COMPONENT_MAX 128 /* of one component with its NUL */

/* What a path lacks. */
enum wire_cut {
    WIRE_CUT_ROOT = 1, /* names next to the root: too many, too long together, or not to be read */
    WIRE_CUT_NAME = 2, /* the ends of names; one that just fits counts among them */
};

/*
 * A path as the kernel keeps it: names from the leaf to the root, each NUL-terminated, `size` bytes in all.
 * "/usr/bin/curl" is "curl\0bin\0usr\0".
 */
struct wire_path {
    __u32 size;
    __u32 cut; /* enum wire_cut, or-ed */
    char names[WIRE_PATH_MAX];
};

/* A selected process made its first TLS call or used plain TCP for the first time, also after an exec. */
struct wire_process {
    struct wire_header header;
    __u64 time_ns;
    __u64 start_ns; /* CLOCK_BOOTTIME, start of the group leader */
    __u64 cgroup_id;
    __u32 pid;
    __u32 ppid;
    __u32 uid;
    __u32 reserved;
    char comm[WIRE_COMM_MAX]; /* of the group leader */
    struct wire_path exe;
    struct wire_path cgroup; /* in the default (v2) hierarchy */
};

/* WIRE_PROCESS_EXEC: a process announced before runs another program now. WIRE_PROCESS_EXIT: it ended. */
struct wire_process_end {
    struct wire_header header;
    __u64 time_ns;
    __u64 start_ns;
    __u32 pid;
    __u32 reserved;
};

#define WIRE_HELLO_MAX 2048 /* a ClientHello with a hybrid key share takes some 1,700 bytes */

/*
 * The first bytes that a process sends over a TCP connection are a TLS ClientHello (RFC 8446 section 4.1.2), and no
 * probed call sends them. `captured` bytes of it follow, from the header of its record on; less than all if it is
 * longer than the space, or was sent in pieces. The address family is 0 if the socket's addresses could not be read.
 */
struct wire_hello {
    struct wire_header header;
    __u64 time_ns;
    __u64 socket; /* address of the struct sock */
    __u64 process_start_ns;
    __u32 pid;
    __u32 captured;
    struct wire_socket addresses;
    __u8 bytes[WIRE_HELLO_MAX];
};

/* More was sent over such a connection than a handshake needs, and still by no probed call. */
struct wire_hello_data {
    struct wire_header header;
    __u64 time_ns;
    __u64 socket;
    __u64 process_start_ns;
    __u32 pid;
    __u32 reserved;
};

/* Indices of the per-CPU loss counters; the agent maps them to model::Loss. */
enum wire_loss {
    WIRE_LOSS_RING_FULL = 0,
    WIRE_LOSS_UNREADABLE = 1,
    WIRE_LOSS_CALL_LIMIT = 2,
    WIRE_LOSS_CALLS_FULL = 3,
    WIRE_LOSS_CONNECTIONS_FULL = 4,
    WIRE_LOSS_CALLS_NESTED = 5,
    WIRE_LOSS_PROCESS_RECORD = 6,
    WIRE_LOSS_CALL_UNRETURNED = 7,
    WIRE_LOSS_UNSEEN = 8,
    WIRE_LOSS_UNTIED = 9,
    WIRE_LOSS_PROCESS_SHARE = 10,
    WIRE_LOSS_COUNT = 11,
};
