/*
 * Where the bytes of a call lie that moved them: in one buffer, in several (struct iovec), or in none that a process
 * could see. Reading them, and delivering them.
 */
#pragma once

#include "bpf/lib/copy.bpf.h"
#include "bpf/lib/first_bytes.bpf.h"

/*
 * No call has more than 1024 (UIO_MAXIOV), and hardly any has more than a few dozen. What lies beyond is a gap: the
 * verifier walks through every round of a loop, and not all kernels have the patience for more.
 */
#define VECTORS_MAX 256

enum place {
    PLACE_UNSEEN = 0, /* the kernel moved them by itself */
    PLACE_BUFFER = 1,
    PLACE_VECTORS = 2,        /* an array in the process */
    PLACE_KERNEL_VECTORS = 3, /* a copy of it in the kernel */
};

struct moved {
    __u64 address; /* of the buffer, or of the first vector */
    __u64 skip;    /* bytes of the first vector that are not of this call */
    __u64 length;
    __u32 place; /* enum place */
    __u32 direction;
};

struct vector {
    __u64 address;
    __u64 length;
};

static __always_inline int read_vector(struct vector *out, __u64 address, __u32 place)
{
    if (place == PLACE_KERNEL_VECTORS)
        return bpf_probe_read_kernel(out, sizeof(*out), (const void *)address);
    return bpf_probe_read_user(out, sizeof(*out), (const void *)address);
}

/*
 * After a call the kernel's iterator stands behind the bytes that were moved. For several buffers the way back is the
 * one that iov_iter_revert() goes.
 */
static __always_inline void moved_before(struct moved *moved, const struct iov_iter *iter)
{
    __u64 back = moved->length, offset = BPF_CORE_READ(iter, iov_offset), at;

    moved->place = PLACE_UNSEEN;
    if (iter_is_buffer(iter)) {
        moved->address = (__u64)BPF_CORE_READ(iter, ubuf) + offset - back;
        moved->place = PLACE_BUFFER;
        return;
    }
    if (!iter_is_vectors(iter))
        return;
    at = (__u64)iter_vectors(iter);
    for (int i = 0; i < VECTORS_MAX; i++) {
        struct vector vector;

        if (back <= offset) {
            moved->address = at;
            moved->skip = offset - back;
            moved->place = PLACE_KERNEL_VECTORS;
            return;
        }
        back -= offset;
        at -= sizeof(struct iovec);
        if (bpf_probe_read_kernel(&vector, sizeof(vector), (const void *)at))
            return;
        offset = vector.length;
    }
}

/* The first of the bytes, at most FIRST_BYTES; a number of zero bytes where they cannot be read. `first`: where they
 * lie, and how many there are of them in one place. */
static __always_inline __u32 first_bytes(const struct moved *moved, __u64 *bytes, struct vector *first)
{
    __u64 skip = moved->skip, at = moved->address, count;

    *bytes = 0;
    first->address = moved->address;
    first->length = moved->length;
    if (moved->place == PLACE_UNSEEN)
        return 0;
    if (moved->place != PLACE_BUFFER) {
        for (int i = 0; i < 4; i++) { /* empty ones before the first are rare */
            if (read_vector(first, at, moved->place))
                return 0;
            if (first->length > skip)
                break;
            skip -= first->length;
            at += sizeof(struct iovec);
        }
        if (first->length <= skip)
            return 0;
        first->address += skip;
        first->length -= skip;
        if (first->length > moved->length)
            first->length = moved->length;
    }
    count = first->length;
    if (count >= FIRST_BYTES)
        return bpf_probe_read_user(bytes, FIRST_BYTES, (const void *)first->address) ? 0 : FIRST_BYTES;
    barrier_var(count);
    count &= FIRST_BYTES - 1;
    return bpf_probe_read_user(bytes, count, (const void *)first->address) ? 0 : count;
}

/* Bytes of the stream that no record holds. */
static __always_inline void emit_unseen(__u64 connection, __u8 direction, __u64 offset, __u64 length, __u8 why)
{
    count_loss(why == WIRE_MISSING_CALL_LIMIT   ? WIRE_LOSS_CALL_LIMIT
               : why == WIRE_MISSING_UNREADABLE ? WIRE_LOSS_UNREADABLE
                                                : WIRE_LOSS_UNSEEN);
    emit_gap(connection, direction, offset, length, why);
}

static __always_inline void emit_moved(__u64 connection, __u64 offset, const struct moved *moved)
{
    __u64 left = moved->length, skip = moved->skip, at = moved->address, limit = knobs.call_limit;
    __u8 why = WIRE_MISSING_CALL_LIMIT, direction = moved->direction & 1;

    if (moved->place == PLACE_UNSEEN) {
        emit_unseen(connection, direction, offset, left, WIRE_MISSING_UNSEEN);
        return;
    }
    if (moved->place == PLACE_BUFFER) {
        emit_bytes(connection, direction, offset, at, left);
        return;
    }
    for (int i = 0; i < VECTORS_MAX; i++) {
        struct vector vector;
        __u64 take;

        if (left == 0 || limit == 0)
            break;
        if (read_vector(&vector, at, moved->place)) {
            why = WIRE_MISSING_UNREADABLE;
            break;
        }
        at += sizeof(struct iovec);
        take = vector.length > skip ? vector.length - skip : 0;
        vector.address += skip;
        skip = take ? 0 : skip - vector.length;
        if (take > left)
            take = left;
        if (take > limit)
            take = limit;
        if (take == 0)
            continue;
        emit_bytes(connection, direction, offset, vector.address, take);
        offset += take;
        left -= take;
        limit -= take;
    }
    if (left)
        emit_unseen(connection, direction, offset, left, why);
}
