/*
 * A ring that fills up is shared fairly: a process that floods it loses its own bytes, and leaves room for the others.
 *
 * No rate is right for every node, and as long as the agent keeps up nobody need be limited. So nothing happens before
 * a quarter of the ring is unread. From then on a process may have twice as much unread as is free (dynamic thresholds:
 * Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998): one that floods gets two thirds of the rest,
 * two get two fifths each, and so on, and half as much as each of them stays free for the others. What lies beyond is
 * not captured, nor is a single call that would leave less than an eighth of what is free. A call is lost as a whole,
 * because half of one is of no use to anybody.
 *
 * What a process has unread is counted in two parts: when the reader has come to where the newer one began, nothing of
 * the older one is left. So it is counted at most twice, and never too low but for what was written below the quarter.
 */
#pragma once

#include "bpf/lib/emit.bpf.h"

static const struct share no_share;

/* What a call takes in size classes (copy.bpf.h), roughly: its last record up to a power of two, and their heads. */
static __always_inline __u64 space_of_call(__u64 bytes)
{
    __u64 end = bytes ? bytes - 1 : 0, last = (end & 0xffff) | 0xff;

    last |= last >> 1;
    last |= last >> 2;
    last |= last >> 4;
    last |= last >> 8;
    return (end & ~0xffffULL) + last + 1 + sizeof(struct wire_data) + BPF_RINGBUF_HDR_SZ;
}

/*
 * Not static, so that the verifier looks at it once and by itself (Linux 5.6); weak, because each program file carries
 * a copy. Threads of a process share the counts, and nothing is locked: a few records more or less do not matter.
 */
__weak __noinline int take_share(__u64 connection, __u64 bytes)
{
    struct share_key key = {.pid = bpf_get_current_pid_tgid() >> 32, .ring = connection & knobs.ring_mask};
    struct share *share = bpf_map_lookup_elem(&shares, &key);
    void *ring = ring_of(connection);
    __u64 wanted = space_of_call(bytes), size = knobs.wake_bytes * WAKES_PER_RING, read, free;

    if (!ring)
        return 1;
    if (!share) {
        bpf_map_update_elem(&shares, &key, &no_share, BPF_NOEXIST);
        share = bpf_map_lookup_elem(&shares, &key);
        if (!share)
            return 1;
    }
    read = bpf_ringbuf_query(ring, BPF_RB_CONS_POS);
    if (read >= share->since) {
        share->older = read > share->last ? 0 : share->newer;
        share->newer = 0;
        share->since = bpf_ringbuf_query(ring, BPF_RB_PROD_POS);
    }
    free = size - bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
    if (wanted > free - free / 8 || share->older + share->newer + wanted > 2 * free)
        return 0;
    __sync_fetch_and_add(&share->newer, wanted);
    share->last = bpf_ringbuf_query(ring, BPF_RB_PROD_POS);
    return 1;
}

/*
 * May the current process put `bytes` of a call, which are at `offset`, into the ring? If not, it is counted, and said
 * as long as that itself does not fill the ring: a flood of small calls must not become one of notices.
 */
static __always_inline int has_share(void *ring, __u64 connection, __u8 direction, __u64 offset, __u64 length,
                                     __u64 bytes)
{
    __u64 unread = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

    if (unread + bytes < knobs.wake_bytes || take_share(connection, bytes))
        return 1;
    count_loss(WIRE_LOSS_PROCESS_SHARE);
    if (unread < knobs.wake_bytes * WAKES_PER_RING / 8 * 7)
        emit_gap(connection, direction, offset, length, WIRE_MISSING_SHARE);
    return 0;
}
