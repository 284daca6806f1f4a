/*
 * TLS that begins outside of every probed call: user space is told of its ClientHello, which says the server's name,
 * and once more when data goes over it. It may yet be seen: runtimes that encrypt into memory shake hands by
 * themselves. User space judges, later, whether plaintext has come of it.
 *
 * A proxy sends on what somebody else said; a ClientHello that this process has received before is not its own.
 */
#pragma once

#include "bpf/lib/call_args.bpf.h"
#include "bpf/lib/first_bytes.bpf.h"

/*
 * RFC 8446: the header of a record (5 bytes, section 5.1) and of a handshake message (4, section 4), the version (2)
 * and the client's random (32, section 4.1.2), of which half is enough to know it again.
 */
#define HELLO_RANDOM 11
#define HELLO_LEAST  43

/*
 * What a client sends beyond its ClientHello before any data: of TLS 1.3 Finished, which looks like data (at most 74
 * bytes), and perhaps close_notify and a change of keys (24 and 27); of TLS 1.2 nothing that looks like data. No model
 * is called in less than this.
 */
#define HELLO_DATA_LEAST 128

static __always_inline int read_hello_key(struct hello_key *key, __u64 address)
{
    key->pid = current_pid();
    return read_user_bytes(key->random, sizeof(key->random), address + HELLO_RANDOM);
}

/* Functions that the verifier looks at once and by itself (plain.bpf.h); all of them are for a socket's first bytes. */

__noinline int hello_received(__u64 address)
{
    struct hello_key key = {};
    __u32 yes = 1;

    if (!read_hello_key(&key, address))
        bpf_map_update_elem(&received_hellos, &key, &yes, BPF_ANY);
    return 0;
}

/* Returns 1 if it is this process's own, and user space knows. */
__noinline int tell_hello(__u64 socket, __u64 address, __u64 length)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);
    struct hello_key key = {};
    struct wire_hello *record;
    void *ring = ring_of_processes();

    if (!thread || !ring || read_hello_key(&key, address) || bpf_map_lookup_elem(&received_hellos, &key))
        return 0;
    announce_process(current_task(), key.pid, thread->process_start_ns);
    EMIT_RESERVE(ring, record, WIRE_HELLO, WIRE_LOSS_RING_FULL);
    if (!record)
        return 0;
    record->time_ns = bpf_ktime_get_ns();
    record->socket = socket;
    record->process_start_ns = thread->process_start_ns;
    record->pid = key.pid;
    if (!read_socket(&record->addresses, (const struct sock *)socket))
        record->addresses.family = 0;
    barrier_var(length); /* as in EMIT_CLASS */
    if (length > WIRE_HELLO_MAX)
        length = WIRE_HELLO_MAX;
    record->captured = length;
    if (read_user_bytes(record->bytes, length, address))
        record->captured = 0;
    EMIT_SUBMIT(ring, record);
    return 1;
}

__noinline int tell_hello_data(__u64 socket)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct thread_calls *thread = bpf_map_lookup_elem(&calls, &thread_id);
    struct wire_hello_data *record;
    void *ring = ring_of_processes();

    if (!thread || !ring)
        return 0;
    EMIT_RESERVE(ring, record, WIRE_HELLO_DATA, WIRE_LOSS_RING_FULL);
    if (!record)
        return 0;
    record->time_ns = bpf_ktime_get_ns();
    record->socket = socket;
    record->process_start_ns = thread->process_start_ns;
    record->pid = thread_id >> 32;
    record->reserved = 0;
    EMIT_SUBMIT(ring, record);
    return 0;
}

/*
 * `count` of the bytes that a call has sent are `bytes`. Records of data (RFC 8446 section 5.1) count, also behind a
 * change_cipher_spec (appendix D.4), and so does what goes on in the middle of one.
 */
static __always_inline void sent_behind_hello(struct plain_socket *plain, __u64 socket, __u64 bytes, __u32 count,
                                              __u64 length)
{
    __u32 type = bytes & 0xff, sent = length > 65536 ? 65536 : (__u32)length;

    if (!looks_like_tls(bytes, count)) {
        if (!plain->looks)
            return;
    } else if (type == 0x14) {
        sent = sent > 6 ? sent - 6 : 0;
    } else if (type != 0x17) {
        return;
    }
    plain->looks += sent;
    if (plain->looks <= HELLO_DATA_LEAST)
        return;
    plain->state = PLAIN_OTHER;
    tell_hello_data(socket);
}
