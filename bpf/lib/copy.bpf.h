/*
 * The only code that reads another process's memory: small values, and payload into the ring.
 */
#pragma once

#include "bpf/lib/share.bpf.h"

static __always_inline int read_user_u64(__u64 *value, __u64 address)
{
    return bpf_probe_read_user(value, sizeof(*value), (const void *)address);
}

static __always_inline int read_user_bytes(void *bytes, __u32 size, __u64 address)
{
    return bpf_probe_read_user(bytes, size, (const void *)address);
}

static __always_inline long read_user_name(char *name, __u32 size, __u64 address)
{
    return bpf_probe_read_user_str(name, size, (const void *)address);
}

/*
 * One would like to hand `sk` to functions that are not static, which take numbers. The verifier refuses it (5.10: "R1
 * is not a scalar"): it knows the arguments of fexit and of tracepoints as pointers. The trick: what a helper has
 * copied is a number. Tried on 5.10, 6.1, 6.12, 6.18 and 7.2.
 */
static __always_inline const struct sock *untyped(const struct sock *sk)
{
    const struct sock *out = NULL;

    bpf_probe_read_kernel(&out, sizeof(out), &sk);
    return out;
}

/* One piece of a call's payload. */
struct piece {
    void *ring;
    __u64 connection;
    __u64 time_ns;
    __u64 offset; /* in the stream */
    __u64 address;
    __u32 length;   /* what the record stands for */
    __u32 captured; /* what is copied into it: less only at the call limit */
    __u8 direction;
    __u8 kept; /* the bytes are not in the process but in a map */
};

static __always_inline long read_piece(void *target, __u32 size, const struct piece *piece)
{
    if (piece->kept)
        return bpf_probe_read_kernel(target, size, (const void *)piece->address);
    return bpf_probe_read_user(target, size, (const void *)piece->address);
}

static __always_inline int found_no_room(const struct piece *piece)
{
    count_loss(WIRE_LOSS_RING_FULL);
    return emit_gap(piece->connection, piece->direction, piece->offset, piece->length, WIRE_MISSING_RING_FULL);
}

/*
 * One would like to write: reserve(ring, sizeof(header) + captured), then read `captured` bytes into it.
 * The verifier refuses it: before 6.1 a reservation's size must be a constant, and afterwards (dynptr) user memory
 * cannot be read straight into it before 6.16. Reserving the worst case for every call would fill the ring with
 * nothing. The trick: size classes that double, each with a constant reservation. Waste is at most half of a record.
 *
 * And: `if (n > SIZE) n = SIZE` before the read. clang 14 tests one copy of the register and uses another, so the
 * verifier sees an unbounded or negative length; barrier_var makes it one register. Tried on 5.10, 6.1, 6.12 and 6.18
 * with clang 14.
 */
#define EMIT_CLASS(piece, space)                                                                              \
    do {                                                                                                      \
        struct wire_data *record = bpf_ringbuf_reserve((piece)->ring, sizeof(struct wire_data) + (space), 0); \
        __u64 n = (piece)->captured;                                                                          \
                                                                                                              \
        if (!record)                                                                                          \
            return 0;                                                                                         \
        barrier_var(n);                                                                                       \
        if (n > (space))                                                                                      \
            n = (space);                                                                                      \
        fill_header(&record->header, WIRE_DATA, (piece)->direction, WIRE_MISSING_NOTHING,                     \
                    sizeof(struct wire_data) + (space));                                                      \
        record->connection = (piece)->connection;                                                             \
        record->time_ns = (piece)->time_ns;                                                                   \
        record->offset = (piece)->offset;                                                                     \
        record->length = (piece)->length;                                                                     \
        record->captured = n;                                                                                 \
        if (read_piece((void *)(record + 1), n, piece)) {                                                     \
            record->captured = 0;                                                                             \
            record->header.flags = WIRE_MISSING_UNREADABLE;                                                   \
            count_loss(WIRE_LOSS_UNREADABLE);                                                                 \
        } else if ((piece)->length > n) {                                                                     \
            record->header.flags = WIRE_MISSING_CALL_LIMIT;                                                   \
        }                                                                                                     \
        bpf_ringbuf_submit(record, submit_flags((piece)->ring, sizeof(struct wire_data) + (space)));          \
    } while (0)

#define PIECE_MAX  65536
#define PIECES_MAX (CALL_LIMIT_MAX / PIECE_MAX) /* of one call */

/* 0: no room in the ring. */
static __always_inline int emit_largest_class(const struct piece *piece)
{
    EMIT_CLASS(piece, PIECE_MAX);
    return 1;
}

/*
 * A piece that fills a record, one of many. A function that the verifier looks at once and by itself, not in each turn
 * of the loop that calls it (Linux 5.6): otherwise it follows 350,000 instructions for each program, which took that
 * of 5.10 six seconds each in an emulated machine. That is why it is not static, and why its arguments are numbers;
 * weak, because each program file carries a copy.
 */
__weak __noinline int emit_whole_piece(__u64 connection, __u64 direction, __u64 offset, __u64 address, __u64 time_ns)
{
    struct piece piece = {
        .ring = ring_of(connection),
        .connection = connection,
        .time_ns = time_ns,
        .offset = offset,
        .address = address,
        .length = PIECE_MAX,
        .captured = PIECE_MAX,
        .direction = direction & 1,
    };

    if (piece.ring && !emit_largest_class(&piece))
        found_no_room(&piece);
    return 0;
}

/* 0: no room in the ring. */
static __always_inline int emit_classified(const struct piece *piece)
{
    __u32 captured = piece->captured;

    if (captured <= 256)
        EMIT_CLASS(piece, 256);
    else if (captured <= 512)
        EMIT_CLASS(piece, 512);
    else if (captured <= 1024)
        EMIT_CLASS(piece, 1024);
    else if (captured <= 2048)
        EMIT_CLASS(piece, 2048);
    else if (captured <= 4096)
        EMIT_CLASS(piece, 4096);
    else if (captured <= 8192)
        EMIT_CLASS(piece, 8192);
    else if (captured <= 16384)
        EMIT_CLASS(piece, 16384);
    else if (captured <= 32768)
        EMIT_CLASS(piece, 32768);
    else
        EMIT_CLASS(piece, PIECE_MAX);
    return 1;
}

static __always_inline void emit_last_piece(const struct piece *piece)
{
    if (!emit_classified(piece))
        found_no_room(piece);
}

/*
 * The payload of one call: `length` bytes at `address`, which lie at `offset` of their stream. A buffer larger than one
 * record goes out as several, each with its own absolute offset, so any of them may be lost without the others losing
 * sense.
 */
static __always_inline void emit_payload(__u64 connection, __u8 direction, __u64 offset, __u64 address, __u64 length)
{
    struct piece piece = {
        .ring = ring_of(connection),
        .connection = connection,
        .time_ns = bpf_ktime_get_ns(),
        .offset = offset,
        .address = address,
        .direction = direction,
    };
    __u64 take = length;

    if (!piece.ring)
        return;
    if (take > knobs.call_limit) {
        take = knobs.call_limit;
        count_loss(WIRE_LOSS_CALL_LIMIT);
    }
    if (!has_share(piece.ring, connection, direction, offset, length, take))
        return;
    for (int i = 0; i < PIECES_MAX; i++) {
        if (take <= PIECE_MAX)
            break;
        emit_whole_piece(connection, direction, piece.offset, piece.address, piece.time_ns);
        piece.offset += PIECE_MAX;
        piece.address += PIECE_MAX;
        take -= PIECE_MAX;
        length -= PIECE_MAX;
    }
    piece.captured = take > PIECE_MAX ? PIECE_MAX : take;
    /* A length of one record is 32 bits; nobody moves 4 GiB in a call, and if they do, the rest shows as a gap. */
    piece.length = length > 0xffffffffULL ? 0xffffffff : length;
    emit_last_piece(&piece);
}

/*
 * emit_payload(), as a function that the verifier looks at by itself, too, not for each path that leads there: on 5.10
 * GnuTLS's programs are too long otherwise.
 */
__weak __noinline int emit_bytes(__u64 connection, __u64 direction, __u64 offset, __u64 address, __u64 length)
{
    emit_payload(connection, direction & 1, offset, address, length);
    return 0;
}

/* The same for bytes that were kept in a map: `captured` of `length`, no more than a record of TLS. */
static __always_inline void emit_kept(__u64 connection, __u8 direction, __u64 offset, const void *bytes, __u32 captured,
                                      __u32 length)
{
    struct piece piece = {
        .ring = ring_of(connection),
        .connection = connection,
        .time_ns = bpf_ktime_get_ns(),
        .offset = offset,
        .address = (__u64)bytes,
        .length = length,
        .captured = captured,
        .direction = direction,
        .kept = 1,
    };

    if (piece.ring && has_share(piece.ring, connection, direction, offset, length, captured))
        emit_last_piece(&piece);
}
