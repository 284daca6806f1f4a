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
