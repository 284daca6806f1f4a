/*
 * How programs on functions of user space are written. Their names are what agent/capture/live/tls_hooks.cpp finds them
 * by.
 */
#pragma once

#include "bpf/lib/maps.bpf.h"

/*
 * One would like to write programs without this. But from 6.13 on, a program of this type whose frames are large has a
 * stack per CPU instead of that of its thread (kernel/bpf/verifier.c: bpf_enable_priv_stack), and the kernel does not
 * keep the program from being preempted in user space's functions. Where it is (PREEMPT_LAZY and PREEMPT), another
 * thread runs it on the same stack, and both go on with a mixture of their variables.
 *
 * A program that holds a tail call keeps to the stack of its thread. This one is never made: the verifier knows that
 * the knob is 0, and removes it. The map must not be shared by programs that are attached in different ways (6.18
 * compares their expected_attach_type). Tried on 5.10, 6.18 and 7.2.
 */
#define KEEP_TO_OWN_STACK(map)          \
    do {                                \
        if (knobs.never)                \
            bpf_tail_call(ctx, map, 0); \
    } while (0)

#define PROBE_PROGRAM(section, name, map)                        \
    static __always_inline int name##_body(struct pt_regs *ctx); \
    SEC(section) int name(struct pt_regs *ctx)                   \
    {                                                            \
        KEEP_TO_OWN_STACK(map);                                  \
        return name##_body(ctx);                                 \
    }                                                            \
    static __always_inline int name##_body(struct pt_regs *ctx)

/* To be followed by the program's body, in braces; its argument is called `ctx`. */
#define UPROBE(name)    PROBE_PROGRAM("uprobe", name, &no_programs)
#define URETPROBE(name) PROBE_PROGRAM("uretprobe", name, &no_programs)
#define SESSION(name)   PROBE_PROGRAM("uprobe", name, &no_sessions)

/*
 * Session probes (6.13) are one attachment for entry and return, and spare the return of calls that are of no interest.
 *
 * One would like to write: if (bpf_session_is_return(ctx)).
 * libbpf 1.1 refuses it where the kernel has given that function an argument (it has, by 7.2), and cannot link two
 * objects that both name it. But bpf_get_func_ip() tells a session where its probe stands, and that is where the
 * process is at entry, and not at return. Tried on 6.18 and 7.2.
 */
static __always_inline int session_is_return(struct pt_regs *ctx)
{
    return bpf_get_func_ip(ctx) != PT_REGS_IP(ctx);
}

/*
 * The programs of a function whose entry and return are both of interest: a pair, NAME_entry and NAME_return, and
 * NAME_session that is both. `begins` and `ends` are expressions of `ctx`; the first is 1 if the return is of interest.
 */
#define CALL_PROGRAMS(name, begins, ends)                       \
    UPROBE(name##_entry)                                        \
    {                                                           \
        (void)(begins);                                         \
        return 0;                                               \
    }                                                           \
    URETPROBE(name##_return)                                    \
    {                                                           \
        return ends;                                            \
    }                                                           \
    SESSION(name##_session)                                     \
    {                                                           \
        if (session_is_return(ctx))                             \
            return ends;                                        \
        return !(begins); /* 1: the return is of no interest */ \
    }
