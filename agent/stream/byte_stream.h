#pragma once
// Puts the chunks of one direction of a connection into stream order and makes every hole explicit.
//
// In-order sources (probes) are passed through without copying; a jump of the offset is a gap at once. For sources that may
// reorder (packets), bytes beyond a hole wait for it to fill until too much has been buffered, the other end has moved on for
// too long, or the stream ends; then the hole becomes a gap. Overlapping bytes are taken from the first chunk that held them
// (what the receiver's kernel saw first), retransmissions are dropped.
//
// One object per direction, owned by its connection; not thread-safe. Sans-IO: time comes with the chunks.
#include <cstdint>
#include <map>
#include <string>

#include "agent/base/function_ref.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"
#include "agent/model/stream_item.h"

namespace llmsnoop::stream {

struct Limits {
    std::size_t waiting_bytes = 4U << 20;                      // buffered beyond a hole, per direction
    std::size_t waiting_chunks = 8192;
    base::Duration waiting_time = std::chrono::seconds(3);     // by the capture's clock
};

using StreamOut = base::FunctionRef<void(const model::StreamItem&)>;

class ByteStream {
   public:
    ByteStream(model::Ordering ordering, model::LossCounters& losses, const Limits& limits = {});

    // Bytes before `offset` will never come: the observed stream begins there (a connection joined late).
    void start_at(std::uint64_t offset) { next_ = offset; }

    void feed(const model::Chunk& chunk, StreamOut out);

    // The stream ends at `length` (absent: unknown). Everything still waiting comes out, with gaps between.
    void end(std::optional<std::uint64_t> length, base::Time time, StreamOut out);

    std::uint64_t next_offset() const { return next_; }

   private:
    struct Waiting {
        base::Time time;
        std::string bytes;
        std::uint64_t length = 0;  // true length; more than bytes.size() where the rest is missing
        model::Loss missing = model::Loss::stream_gap;
    };

    void deliver(std::uint64_t offset, base::Time time, base::Bytes bytes, std::uint64_t length, model::Loss missing,
                 StreamOut out);
    void emit_gap(std::uint64_t until, base::Time time, model::Loss reason, StreamOut out);
    void keep(const model::Chunk& chunk);
    void release(StreamOut out);
    void give_up_first_hole(model::Loss reason, StreamOut out);

    model::Ordering ordering_;
    model::LossCounters& losses_;
    Limits limits_;
    std::uint64_t next_ = 0;
    std::size_t waiting_bytes_ = 0;
    base::Time latest_;
    std::map<std::uint64_t, Waiting> waiting_;  // by offset; never overlapping
};

}  // namespace llmsnoop::stream
