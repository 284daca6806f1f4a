/*
 * rustls 0.23, in executables without symbols: the functions behind its trait objects (Codex, Deno).
 *
 *   Result<OutboundOpaqueMessage> MessageEncrypter::encrypt(&mut self, OutboundPlainMessage, sequence)
 *   Result<InboundPlainMessage>   MessageDecrypter::decrypt(&mut self, InboundOpaqueMessage, sequence)
 *
 * Each is for one record of TLS. The result goes where the first argument points; then come self, the address of the
 * message, and the record's number. Rust promises no layout of any of these. So what is read has to prove itself with
 * each call: a record is as much longer than its plaintext as TLS says, and a record is decrypted in its own place.
 * Where that does not hold, nothing is delivered, whatever the reason.
 *
 * The numbers tell whether a record was missed, and whether an object is another one at the same address.
 */
#include "bpf/lib/rustls.bpf.h"
#include "bpf/lib/uprobe.bpf.h"

/* enum ContentType of rustls: RFC 8446 section 5.1, in the order of the numbers there. */
#define CONTENT_ALERT       1
#define CONTENT_APPLICATION 3

/* OutboundPlainMessage: a null pointer and a slice, or a pointer to slices, their number, and the first and the last
 * byte of them that are meant; then the type. InboundOpaqueMessage: a slice. */
#define PLAIN_SLICES(message) ((message)[0])
#define PLAIN_TYPE(message)   ((__u8)(message)[4])

static __always_inline __u64 plain_length(const __u64 *message)
{
    return PLAIN_SLICES(message) ? message[3] - message[2] : message[2];
}

static __always_inline struct rustls_thread *rustls_thread_of(__u64 thread_id, __u64 process_start_ns)
{
    struct rustls_thread *known = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    __u32 pid = thread_id >> 32;
    struct process_state *state;

    if (known && known->process_start_ns == process_start_ns)
        return known;
    state = bpf_map_lookup_elem(&processes, &pid);
    if (state)
        state->rustls = 1;
    rustls_in_use = 1;
    if (!known)
        bpf_map_update_elem(&rustls_threads, &thread_id, &no_rustls_thread, BPF_ANY);
    known = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    if (known && state)
        known->process_start_ns = process_start_ns;
    return known;
}

static __always_inline int rustls_begins(struct pt_regs *ctx, __u64 direction)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct thread_calls *judged = thread_of_traced_process(thread_id, PT_REGS_PARM2(ctx));
    struct rustls_thread *thread;

    if (!judged)
        return 0;
    thread = rustls_thread_of(thread_id, judged->process_start_ns);
    if (!thread)
        return 0;
    thread->stack = 0;
    if (read_user_bytes(thread->message, sizeof(thread->message), PT_REGS_PARM3(ctx)))
        return 0;
    if (direction == WIRE_RECEIVED &&
        read_user_bytes(thread->ciphertext, sizeof(thread->ciphertext), thread->message[0]))
        return 0;
    thread->result = PT_REGS_PARM1(ctx);
    thread->object = PT_REGS_PARM2(ctx);
    thread->sequence = PT_REGS_PARM4(ctx);
    thread->direction = direction;
    thread->stack = PT_REGS_SP(ctx);
    return 1;
}

/* The call of this thread that returns here, and the process's start, by which its objects are known. */
static __always_inline struct rustls_thread *rustls_returns(struct pt_regs *ctx, __u64 direction,
                                                            struct connection_key *key)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct rustls_thread *thread = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    struct thread_calls *judged = bpf_map_lookup_elem(&calls, &thread_id);

    if (!thread || !judged || thread->stack + sizeof(__u64) != PT_REGS_SP(ctx) || thread->direction != direction)
        return NULL;
    thread->stack = 0;
    key->object = thread->object;
    key->process_start_ns = judged->process_start_ns;
    key->pid = thread_id >> 32;
    return thread;
}

/* What is known of the object, if this is its next record. If not, it is another one, or a record was missed: then the
 * connection's offsets are no longer true. */
static __always_inline struct rustls_object *rustls_object_of(const struct connection_key *key, __u64 sequence)
{
    struct rustls_object *known = bpf_map_lookup_elem(&rustls_objects, key);
    struct rustls_object fresh = {
        .next_sequence = sequence,
        .born = bpf_ktime_get_ns(),
        .late = sequence != 0,
    };

    if (known && known->next_sequence == sequence)
        return known;
    if (known && known->socket && sequence)
        lose_connection(rustls_connection_object(known->socket), key->process_start_ns, key->pid);
    bpf_map_update_elem(&rustls_objects, key, &fresh, BPF_ANY);
    return bpf_map_lookup_elem(&rustls_objects, key);
}

/* Its socket has not been closed, and its memory used for another, since this was found out. */
static __always_inline int rustls_socket_is_known(const struct rustls_object *object)
{
    return object->socket && object->ports == ports_of((const struct sock *)object->socket);
}

/* --- sent */

static const struct rustls_record no_record;

__weak __noinline int rustls_emit_message(__u64 connection, __u64 offset)
{
    __u64 thread_id = bpf_get_current_pid_tgid();
    struct rustls_thread *thread = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    struct moved moved = {.direction = WIRE_SENT};

    if (!thread)
        return 0;
    moved.length = plain_length(thread->message);
    if (PLAIN_SLICES(thread->message)) {
        moved.place = PLACE_VECTORS;
        moved.address = PLAIN_SLICES(thread->message);
        moved.skip = thread->message[2];
    } else {
        moved.place = PLACE_BUFFER;
        moved.address = thread->message[1];
    }
    emit_moved(connection, offset, &moved);
    return 0;
}

/* Copies a piece of plaintext into the record that is kept under this key, to where `at` says. */
__weak __noinline int rustls_keep_slice(__u64 ciphertext, __u64 more_ciphertext, __u64 at, __u64 address, __u64 length)
{
    struct rustls_record_key key = {.ciphertext = {ciphertext, more_ciphertext}, .pid = current_pid()};
    struct rustls_record *record = bpf_map_lookup_elem(&rustls_records, &key);

    if (!record)
        return 0;
    barrier_var(length);
    if (length > RUSTLS_RECORD_MAX)
        length = RUSTLS_RECORD_MAX;
    barrier_var(at);
    at &= RUSTLS_RECORD_MAX - 1;
    if (read_user_bytes(record->plaintext + at, length, address))
        return 1;
    record->captured = at + length;
    return 0;
}

/* Copies the plaintext of the thread's message. */
__weak __noinline int rustls_keep_message(__u64 ciphertext, __u64 more_ciphertext)
{
    __u64 thread_id = bpf_get_current_pid_tgid(), at, skip, left, done = 0, take;
    struct rustls_thread *thread = bpf_map_lookup_elem(&rustls_threads, &thread_id);
    struct vector vector;

    if (!thread)
        return 0;
    left = plain_length(thread->message);
    at = PLAIN_SLICES(thread->message);
    if (!at)
        return rustls_keep_slice(ciphertext, more_ciphertext, 0, thread->message[1], left);
    skip = thread->message[2];
    for (int i = 0; i < RUSTLS_VECTORS; i++) {
        if (!left || read_vector(&vector, at, PLACE_VECTORS))
            break;
        at += sizeof(struct iovec);
        take = vector.length > skip ? vector.length - skip : 0;
        vector.address += skip;
        skip = take ? 0 : skip - vector.length;
        if (take > left)
            take = left;
        if (!take)
            continue;
        if (rustls_keep_slice(ciphertext, more_ciphertext, done, vector.address, take))
            break;
        done += take;
        left -= take;
    }
    return 0;
}

/* Nobody knows yet where this record goes: it is kept until it is sent. */
static __always_inline void rustls_keep(const struct connection_key *key, struct rustls_object *object, __u64 sealed,
                                        __u64 offset, __u64 length)
{
    struct rustls_record_key record_key = {.pid = key->pid};
    struct rustls_record *record;

    if (read_user_bytes(record_key.ciphertext, sizeof(record_key.ciphertext), sealed + RUSTLS_HEADER))
        return;
    bpf_map_update_elem(&rustls_records, &record_key, &no_record, BPF_ANY);
    record = bpf_map_lookup_elem(&rustls_records, &record_key);
    if (!record)
        return;
    record->object = key->object;
    record->object_born = object->born;
    record->process_start_ns = key->process_start_ns;
    record->offset = offset;
    record->length = length;
    object->kept++;
    if (length)
        rustls_keep_message(record_key.ciphertext[0], record_key.ciphertext[1]);
}

static __always_inline int rustls_encrypted(struct pt_regs *ctx)
{
    struct connection_key key = {};
    struct rustls_thread *thread = rustls_returns(ctx, WIRE_SENT, &key);
    struct rustls_object *object;
    struct connection *connection;
    __u64 result[4]; /* which one it is; then a Vec: capacity, address and length */
    __u64 length, offset, added;

    if (!thread || read_user_bytes(result, sizeof(result), thread->result))
        return 0;
    length = plain_length(thread->message);
    added = result[3] - length - RUSTLS_HEADER;
    /* RFC 8446 section 5.2; RFC 5288 section 3; RFC 7905 section 2 */
    if (length > RUSTLS_RECORD_MAX || (added != 16 + 1 && added != 16 + 8 && added != 16) || result[1] < result[3])
        return 0;
    object = rustls_object_of(&key, thread->sequence);
    if (!object)
        return 0;
    object->next_sequence = thread->sequence + 1;
    if (PLAIN_TYPE(thread->message) != CONTENT_APPLICATION)
        length = 0;
    offset = object->offset;
    object->offset = offset + length;
    if (object->kept || !rustls_socket_is_known(object)) {
        rustls_keep(&key, object, result[2], offset, length);
        return 0;
    }
    if (!length)
        return 0;
    rustls_introduce(object->socket, key.process_start_ns, key.pid, object->late);
    connection = rustls_connection(object->socket, key.process_start_ns, key.pid);
    if (!connection)
        return 0;
    offset = connection->offset[WIRE_SENT] + (offset - object->told);
    object->told = object->offset;
    connection->offset[WIRE_SENT] = offset + length;
    if (!is_muted(connection, WIRE_SENT, offset + length))
        rustls_emit_message(connection->id, offset);
    return 0;
}

CALL_PROGRAMS(rustls_encrypt, rustls_begins(ctx, WIRE_SENT), rustls_encrypted(ctx))

/* --- received */

#define CLOSE_NOTIFY 0 /* RFC 8446 section 6.1: the second byte of an alert */

static __always_inline int is_close_notify(__u64 address, __u64 length)
{
    __u8 alert[2];

    return length == sizeof(alert) && !read_user_bytes(alert, sizeof(alert), address) && alert[1] == CLOSE_NOTIFY;
}

/* Is what was decrypted what the thread received last? Most read records to where they decrypt them; those that copy
 * them in between have the same bytes. */
static __always_inline int rustls_was_received(const struct rustls_thread *thread)
{
    if (!thread->received_from)
        return 0;
    if (thread->message[0] < thread->received_end && thread->received_at < thread->message[0] + thread->message[1])
        return 1;
    return thread->received_ciphertext[0] == thread->ciphertext[0] &&
           thread->received_ciphertext[1] == thread->ciphertext[1];
}

static __always_inline int rustls_decrypted(struct pt_regs *ctx)
{
    struct connection_key key = {};
    struct rustls_thread *thread = rustls_returns(ctx, WIRE_RECEIVED, &key);
    struct rustls_object *object;
    struct connection *connection;
    __u64 result[4]; /* which one it is; then a slice, and the type */
    __u64 address, length, offset;
    int is_data;

    if (!thread || read_user_bytes(result, sizeof(result), thread->result))
        return 0;
    address = result[1];
    length = result[2];
    /* In the place of the ciphertext, behind the explicit nonce of TLS 1.2, and shorter by the tag. */
    if (length > RUSTLS_RECORD_MAX || address < thread->message[0] || address - thread->message[0] > 8 ||
        thread->message[1] < length + 16)
        return 0;
    object = rustls_object_of(&key, thread->sequence);
    if (!object)
        return 0;
    is_data = (__u8)result[3] == CONTENT_APPLICATION && length;
    if (rustls_was_received(thread)) {
        object->socket = thread->received_from;
        object->ports = ports_of((const struct sock *)object->socket);
    }
    if (!rustls_socket_is_known(object)) {
        if (is_data) /* its number is not passed over, so that the next one shows that it is missing */
            count_loss(WIRE_LOSS_UNTIED);
        else
            object->next_sequence = thread->sequence + 1;
        return 0;
    }
    object->next_sequence = thread->sequence + 1;
    rustls_introduce(object->socket, key.process_start_ns, key.pid, object->late);
    connection = rustls_connection(object->socket, key.process_start_ns, key.pid);
    if (!connection)
        return 0;
    if (is_data) {
        offset = connection->offset[WIRE_RECEIVED];
        connection->offset[WIRE_RECEIVED] = offset + length;
        if (!is_muted(connection, WIRE_RECEIVED, offset + length))
            emit_bytes(connection->id, WIRE_RECEIVED, offset, address, length);
    } else if ((__u8)result[3] == CONTENT_ALERT && is_close_notify(address, length)) {
        emit_direction_end(connection, WIRE_RECEIVED);
    }
    return 0;
}

CALL_PROGRAMS(rustls_decrypt, rustls_begins(ctx, WIRE_RECEIVED), rustls_decrypted(ctx))
