/*
 * rustls: connections and their sockets. The library knows neither: it has an object that encrypts and another that
 * decrypts, and the application moves the records. What ties both to one connection is the socket, and what ties each
 * to its socket are the records: one is sent as the encrypter left it, and was received to where the decrypter takes it
 * from. So a connection is a socket here, and what cannot be tied is not delivered.
 *
 * Functions that are not static are looked at by the verifier once and by themselves; that is why their arguments are
 * numbers. They are weak because each program file carries a copy.
 */
#pragma once

#include "bpf/lib/call_args.bpf.h"
#include "bpf/lib/syscall.bpf.h"

#define TLS_APPLICATION_DATA 23 /* RFC 8446 section 5.1: in the header, the type of all that is encrypted */

#define RUSTLS_VECTORS       64 /* of a message, or of a send; rustls gives no more to one (vecbuf.rs) */

/* Objects of the kernel are aligned, so no other connection has this key: plain TCP has the socket itself. */
static __always_inline __u64 rustls_connection_object(__u64 socket)
{
    return socket | 1;
}

static __always_inline struct connection *rustls_connection(__u64 socket, __u64 process_start_ns, __u32 pid)
{
    struct connection_key key = {
        .object = rustls_connection_object(socket),
        .process_start_ns = process_start_ns,
        .pid = pid,
    };

    return find_connection(&key);
}

/*
 * Makes the connection of this socket if there is none yet, and tells user space of it. `late`: the object whose record
 * this is was met in the middle, or missed one. A connection that was there before, and is made again, was too.
 */
__weak __noinline int rustls_introduce(__u64 socket, __u64 process_start_ns, __u32 pid, __u32 late)
{
    struct connection_key key = {
        .object = rustls_connection_object(socket),
        .process_start_ns = process_start_ns,
        .pid = pid,
    };
    struct connection *connection = find_connection(&key);
    __u32 ports = ports_of((const struct sock *)socket);

    if (connection && connection->ports != ports) { /* the kernel has used its memory again */
        bpf_map_delete_elem(&rustls_sockets, &socket);
        close_connection(&key, WIRE_CLOSE_REPLACED);
        connection = NULL;
    } else if (connection && late && connection->from_start) {
        close_connection(&key, WIRE_CLOSE_LOST);
        connection = NULL;
    }
    if (!connection) {
        connection =
            make_connection(&key, WIRE_LIBRARY_RUSTLS, !late && !bpf_map_lookup_elem(&rustls_sockets, &socket));
        if (!connection)
            return 0;
        connection->ports = ports;
        bpf_map_update_elem(&rustls_sockets, &socket, &key.process_start_ns, BPF_ANY); /* struct rustls_owner */
    }
    if (connection->to_announce)
        announce(connection, &key);
    if (!connection->has_socket)
        found_socket(connection, (const struct sock *)socket);
    return 0;
}

/* A socket is closed. */
__weak __noinline int rustls_socket_closed(__u64 socket, __u64 why)
{
    struct rustls_owner *owner = bpf_map_lookup_elem(&rustls_sockets, &socket);
    struct connection_key key = {.object = rustls_connection_object(socket)};

    if (!owner)
        return 0;
    key.process_start_ns = owner->process_start_ns;
    key.pid = owner->pid;
    bpf_map_delete_elem(&rustls_sockets, &socket);
    close_connection(&key, why);
    return 0;
}

/*
 * A record is sent over `socket` whose ciphertext, behind its header, begins at `address`. If it was kept until this
 * should be known, its plaintext is delivered, and all that its encrypter will ever encrypt belongs to this socket.
 */
__weak __noinline int rustls_record_sent(__u64 socket, __u64 address)
{
    struct rustls_record_key key = {.pid = current_pid()};
    struct connection_key object_key = {.pid = key.pid};
    struct rustls_record *record;
    struct rustls_object *object;
    struct connection *connection;
    __u64 offset;

    if (read_user_bytes(key.ciphertext, sizeof(key.ciphertext), address))
        return 0;
    record = bpf_map_lookup_elem(&rustls_records, &key);
    if (!record)
        return 0;
    object_key.object = record->object;
    object_key.process_start_ns = record->process_start_ns;
    object = bpf_map_lookup_elem(&rustls_objects, &object_key);
    if (!object || object->born != record->object_born || (object->socket && object->socket != socket) ||
        record->offset < object->told) {
        bpf_map_delete_elem(&rustls_records, &key);
        return 0;
    }
    object->socket = socket;
    object->ports = ports_of((const struct sock *)socket);
    if (object->kept)
        object->kept--;
    rustls_introduce(socket, record->process_start_ns, key.pid, object->late);
    connection = rustls_connection(socket, record->process_start_ns, key.pid);
    if (connection && record->length) {
        /* What was dropped in between is a gap. */
        offset = connection->offset[WIRE_SENT] + (record->offset - object->told);
        object->told = record->offset + record->length;
        connection->offset[WIRE_SENT] = offset + record->length;
        if (!is_muted(connection, WIRE_SENT, connection->offset[WIRE_SENT]))
            emit_kept(connection->id, WIRE_SENT, offset, record->plaintext, record->captured, record->length);
    }
    bpf_map_delete_elem(&rustls_records, &key);
    return 0;
}

#define RUSTLS_RECORDS 8 /* in one buffer: the end of a handshake, and then what may be sent before the first send */

/* `size` bytes at `address` are sent: records, the first of them from its beginning. */
__weak __noinline int rustls_buffer_sent(__u64 socket, __u64 address, __u64 size)
{
    __u8 header[RUSTLS_HEADER];

    for (int i = 0; i < RUSTLS_RECORDS; i++) {
        if (size < RUSTLS_HEADER || read_user_bytes(header, sizeof(header), address) || header[1] != 3)
            break;
        if (header[0] == TLS_APPLICATION_DATA)
            rustls_record_sent(socket, address + RUSTLS_HEADER);
        address += RUSTLS_HEADER + (header[3] << 8 | header[4]);
        if (size < (__u64)RUSTLS_HEADER + (header[3] << 8 | header[4]))
            break;
        size -= RUSTLS_HEADER + (header[3] << 8 | header[4]);
    }
    return 0;
}

/* Where in the process a system call moves bytes: one buffer, or vectors. */
struct rustls_place {
    __u64 address;
    __u64 size;    /* of the buffer */
    __u64 vectors; /* how many; 0: it is a buffer */
};

static __always_inline int rustls_place_of_call(struct rustls_place *place)
{
    struct pt_regs *regs = user_registers(current_task());
    __u64 header;

    if (!regs)
        return 0;
    place->address = BPF_CORE_READ(regs, si);
    place->size = BPF_CORE_READ(regs, dx);
    place->vectors = 0;
    switch (BPF_CORE_READ(regs, orig_ax)) {
    case CALL_READ:
    case CALL_WRITE:
    case CALL_SENDTO:
    case CALL_RECVFROM:
        return 1;
    case CALL_READV:
    case CALL_WRITEV:
        place->vectors = place->size;
        return 1;
    case CALL_SENDMSG:
    case CALL_RECVMSG:
        header = place->address;
        return !read_user_u64(&place->address, header + __builtin_offsetof(struct user_msghdr, msg_iov)) &&
               !read_user_u64(&place->vectors, header + __builtin_offsetof(struct user_msghdr, msg_iovlen));
    default:
        return 0;
    }
}

static const struct rustls_thread no_rustls_thread;

/* The thread has received from this socket: where to, and what the bytes begin with. */
__weak __noinline int rustls_received(__u64 socket, __u64 address, __u64 size)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct rustls_thread *thread = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    __u8 header[RUSTLS_HEADER];

    if (!thread) {
        bpf_map_update_elem(&rustls_threads, &thread_id, &no_rustls_thread, BPF_ANY);
        thread = bpf_map_lookup_elem(&rustls_threads, &thread_id);
        if (!thread)
            return 0;
    }
    thread->received_from = socket;
    thread->received_at = address;
    thread->received_end = address + size;
    thread->received_ciphertext[0] = thread->received_ciphertext[1] = 0;
    if (!read_user_bytes(header, sizeof(header), address) && header[0] == TLS_APPLICATION_DATA && header[1] == 3)
        read_user_bytes(thread->received_ciphertext, sizeof(thread->received_ciphertext), address + RUSTLS_HEADER);
    return 0;
}

/* A socket is used by a process that has called rustls. */
__weak __noinline int rustls_socket_used(__u64 socket, __u64 is_send)
{
    __u32 pid = current_pid();
    struct process_state *state = bpf_map_lookup_elem(&processes, &pid);
    struct rustls_place place;
    struct vector vector;

    if (!state || !state->rustls || !rustls_place_of_call(&place))
        return 0;
    if (is_send && !place.vectors)
        return rustls_buffer_sent(socket, place.address, place.size);
    if (!place.vectors)
        return rustls_received(socket, place.address, place.size);
    for (__u32 i = 0; i < RUSTLS_VECTORS; i++) {
        if (i >= place.vectors || read_vector(&vector, place.address, PLACE_VECTORS))
            break;
        if (!is_send) /* the first is enough for those that have but one */
            return rustls_received(socket, vector.address, vector.length);
        rustls_buffer_sent(socket, vector.address, vector.length);
        place.address += sizeof(struct iovec);
    }
    return 0;
}
