/*
 * The only code that writes the rings. Nothing here holds a per-CPU buffer across helpers: uprobe programs are
 * preemptible and may migrate, so everything is written straight into the reserved record.
 */
#pragma once

#include "bpf/lib/maps.bpf.h"

static __always_inline void *ring_at(__u32 index)
{
    return bpf_map_lookup_elem(&rings, &index);
}

/* The low bits of an id are spread evenly (conn.bpf.h). */
static __always_inline void *ring_of(__u64 connection)
{
    return ring_at(connection & knobs.ring_mask);
}

/* What happens to processes goes to one ring. */
static __always_inline void *ring_of_processes(void)
{
    return ring_at(0);
}

/*
 * Waking the reader costs more than the whole capture of a record, so nobody is woken per record: the reader comes by
 * time, and is woken only when its ring fills up. The one record that crosses a multiple of the mark wakes, those
 * between two of them do not. Records that other CPUs reserved meanwhile count too and may hide a crossing; the next
 * one is not far.
 */
static __always_inline __u64 submit_flags(void *ring, __u32 size)
{
    __u64 unread = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
    __u64 before = unread - size - BPF_RINGBUF_HDR_SZ; /* sizes are multiples of 8, so nothing is rounded */

    /* The mark is a power of two: a bit at or above it differs exactly if a multiple of it lies between. */
    return (unread ^ before) >= knobs.wake_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void fill_header(struct wire_header *header, __u8 kind, __u8 direction, __u8 flags, __u32 size)
{
    header->size = size;
    header->version = LLMSNOOP_WIRE_VERSION;
    header->kind = kind;
    header->direction = direction;
    header->flags = flags;
}

/*
 * Reserve a record of a fixed type in that ring; `record` is NULL, and the loss counted, where there is no room.
 * A macro, because bpf_ringbuf_reserve wants its size as a constant and gives memory of exactly that size.
 */
#define EMIT_RESERVE(ring, record, wire_kind, loss)                         \
    do {                                                                    \
        record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);             \
        if (record)                                                         \
            fill_header(&record->header, wire_kind, 0, 0, sizeof(*record)); \
        else                                                                \
            count_loss(loss);                                               \
    } while (0)

#define EMIT_SUBMIT(ring, record) bpf_ringbuf_submit(record, submit_flags(ring, sizeof(*record)))

/*
 * Bytes of a stream that no record holds, and why: enum wire_missing. Said at once where there is room to say it,
 * because what is missing between two messages of one direction may be messages, and what the other direction says next
 * must not be taken for the answer to what was seen before them. Not static, so that the verifier looks at it once and
 * by itself (Linux 5.6); weak, because each program file carries a copy.
 */
__weak __noinline int emit_gap(__u64 connection, __u64 direction, __u64 offset, __u64 length, __u64 why)
{
    void *ring = ring_of(connection);
    struct wire_data *record;

    if (!ring)
        return 0;
    record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
    if (!record) /* the reader will see the gap, later and without its reason */
        return 0;
    fill_header(&record->header, WIRE_DATA, direction & 1, why, sizeof(*record));
    record->connection = connection;
    record->time_ns = bpf_ktime_get_ns();
    record->offset = offset;
    record->length = length > 0xffffffffULL ? 0xffffffff : length; /* no call moves more than 2 GiB */
    record->captured = 0;
    EMIT_SUBMIT(ring, record);
    return 0;
}
