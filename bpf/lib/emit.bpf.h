/*
 * The only code that writes the rings. Nothing here holds a per-CPU buffer across helpers: uprobe programs are preemptible
 * and may migrate, so everything is written straight into the reserved record.
 */
#pragma once

#include "bpf/lib/maps.bpf.h"

static __always_inline void *ring_of(__u64 connection)
{
    /* The low bits of an id are spread evenly (conn.bpf.h). */
    __u32 index = connection & knobs.ring_mask;

    return bpf_map_lookup_elem(&rings, &index);
}

/*
 * Waking the reader costs more than the whole capture of a record, so nobody is woken per record: the reader comes by time,
 * and is woken only when its ring fills up. The one record that crosses the mark wakes; those beyond it do not.
 */
static __always_inline __u64 submit_flags(void *ring, __u32 size)
{
    __u64 unread = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

    if (unread >= knobs.wake_bytes && unread - size < knobs.wake_bytes)
        return BPF_RB_FORCE_WAKEUP;
    return BPF_RB_NO_WAKEUP;
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
#define EMIT_RESERVE(ring, record, wire_kind, loss)                                      \
    do {                                                                                 \
        record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);                          \
        if (record)                                                                      \
            fill_header(&record->header, wire_kind, 0, 0, sizeof(*record));              \
        else                                                                             \
            count_loss(loss);                                                            \
    } while (0)

#define EMIT_SUBMIT(ring, record) bpf_ringbuf_submit(record, submit_flags(ring, sizeof(*record)))
