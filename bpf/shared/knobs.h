/*
 * What the agent decides before it loads the programs (read-only data), and the one thing both sides change while they
 * run.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Kinds of selection. A process is traced if it matches every kind that is in use (one entry of the kind is enough). */
enum select_kind {
    SELECT_PID = 1,
    SELECT_CGROUP = 2,
    SELECT_COMM = 4,
    SELECT_EXE = 8,
    SELECT_UID = 16,
};

#define CALL_LIMIT_MAX     (32 << 20) /* of `call_limit` below */
#define SELECT_CGROUPS_MAX 64
#define RINGS_MAX          16
#define WAKES_PER_RING     4 /* `wake_bytes` below is that part of a ring */

struct knobs {
    __u32 select;              /* enum select_kind, or-ed; 0: every process of the node */
    __u32 with_children;       /* children of a traced process are traced */
    __u32 own_pid;             /* the agent, never traced */
    __u32 cgroups;             /* entries in use of the target_cgroups map */
    __u32 ring_mask;           /* number of rings (a power of two) - 1 */
    __u32 receive_arguments;   /* how many tcp_recvmsg() takes, which tells where `flags` is */
    __u32 late_must_look;      /* deliver nothing of a TCP connection met in the middle before it looks like HTTP */
    __u32 plain_tells_sockets; /* plain TCP's tracepoints tell the sockets of TLS connections, too */
    __u32 reserved;
    __u32 never;      /* 0: for branches that must be there and are never taken */
    __u64 wake_bytes; /* wake the reader when a ring's unread bytes reach a multiple of this power of two */
    __u64 call_limit; /* bytes captured of one call, at most CALL_LIMIT_MAX; the rest is counted as missing */
};

/* A selection by executable: the file as the kernel knows it. */
struct exe_key {
    __u64 inode;
    __u32 device; /* kernel encoding: major << 20 | minor */
    __u32 reserved;
};

/* The agent has no use for the bytes of a connection before these offsets; ~0: for good. */
struct mute {
    __u64 until[2]; /* by enum wire_direction */
};

/* What is known of a process; user space puts in those that were selected while running. */
struct process_state {
    __u64 start_ns;  /* 0: not known to the nanosecond, to be filled in by the kernel programs */
    __u32 traced;    /* the verdict, good for `epoch` only unless inherited */
    __u32 inherited; /* traced because an ancestor was selected: survives exec */
    __u32 announced; /* a WIRE_PROCESS record is in the ring */
    __u32 epoch;     /* 0: no verdict */
    __u32 execs;     /* how many programs it has executed since it became known: sockets outlive that, streams do not */
    __u32 rustls;    /* has called it: its receives are of interest on all of its threads */
};

/* Whose calls these are in the map go_calls; user space takes out those of processes that are gone. */
struct goroutine_key {
    __u64 goroutine; /* address of its g */
    __u32 pid;
    __u32 reserved;
};
