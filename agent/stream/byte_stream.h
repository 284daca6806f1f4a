#pragma once
// Puts the chunks of one direction of a connection into stream order and makes every hole explicit.
//
// In-order sources (probes) are passed through without copying; a jump of the offset is a gap at once. For sources that
// may reorder (packets), bytes beyond a hole wait for it to fill until too much has been buffered, the stream has stood
// still for too long, or it ends; then the hole becomes a gap. Overlapping bytes are taken from the first chunk that
// held them (what the receiver's kernel saw first), retransmissions are dropped.
//
// Losses counted here: `stream_gap` and `reorder_limit`, one for each hole that nobody explained, and `late_chunk`, one
// for each chunk that would have filled a hole already given up. A hole that its chunk explains (`Chunk::missing`)
// carries that reason and was counted by whoever caused it.
//
// One object per direction, owned by its connection; not thread-safe. Sans-IO: time comes with the chunks. Nothing in a
// chunk is trusted: offsets and lengths that overflow are clamped, and memory is bounded by the limits.
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "agent/base/function_ref.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"
#include "agent/model/stream_item.h"

namespace llmsnoop::stream {

struct Limits {
    std::size_t waiting_bytes = 4U << 20;  // buffered beyond a hole, per direction
    std::size_t waiting_chunks = 8192;
    base::Duration waiting_time = std::chrono::seconds(3);  // by the capture's clock, since bytes last came in order
};

using StreamOut = base::FunctionRef<void(const model::StreamItem&)>;

class ByteStream {
 public:
    ByteStream(model::Ordering ordering, model::LossCounters& losses, const Limits& limits = {});

    // Bytes before `offset` will never come: the observed stream begins there (a connection joined late).
    void start_at(std::uint64_t offset) { next_ = offset; }

    void feed(const model::Chunk& chunk, StreamOut out);

    // The consumer has asked the source not to deliver bytes before `offset`: gaps up to there are no loss.
    void expect_gap_until(std::uint64_t offset) { unwanted_until_ = offset; }

    // The capture's clock has reached `now` without a chunk for this direction: gives up holes that have waited too
    // long. Optional; `feed` does the same with the time of each chunk.
    void advance(base::Time now, StreamOut out);

    // The stream ends at `length` (absent: unknown). Everything still waiting comes out, with gaps between; bytes
    // beyond `length` are dropped. A caller that can wait (a FIN overtook a segment) looks at `next_offset()` first.
    void end(std::optional<std::uint64_t> length, base::Time time, StreamOut out);

    std::uint64_t next_offset() const { return next_; }

 private:
    // A part of a chunk: bytes, then possibly a tail that was never captured.
    struct Piece {
        std::uint64_t offset = 0;
        base::Time time;
        base::Bytes bytes;
        std::uint64_t length = 0;  // true length; more than bytes.size() where the tail is missing
        model::Loss missing = model::Loss::stream_gap;

        std::uint64_t end() const { return offset + length; }
    };
    struct Waiting {
        base::Time time;
        std::string bytes;
        std::uint64_t length = 0;
        model::Loss missing = model::Loss::stream_gap;
    };
    struct Hole {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    static Piece sub_piece(const Piece& piece, std::uint64_t begin, std::uint64_t end);

    void place(const Piece& piece, StreamOut out);
    void place_uncovered(const Piece& piece, StreamOut out);
    void deliver(const Piece& piece, StreamOut out);
    void keep(const Piece& piece);
    void release(StreamOut out);
    void give_up_first_hole(model::Loss reason, StreamOut out);
    void give_up_old_holes(StreamOut out);
    void emit_gap(std::uint64_t until, base::Time time, model::Loss reason, StreamOut out);
    void count_gap(std::uint64_t until);
    void count_if_late(const Piece& piece);

    model::Ordering ordering_;
    model::LossCounters& losses_;
    Limits limits_;
    std::uint64_t next_ = 0;
    std::uint64_t unwanted_until_ = 0;
    std::size_t waiting_bytes_ = 0;
    base::Time latest_;                         // the capture's clock, as far as it is known here
    base::Time progress_;                       // when a chunk was last delivered in order
    std::map<std::uint64_t, Waiting> waiting_;  // by offset; never overlapping, always beyond next_
    std::array<Hole, 16> given_up_{};           // the latest ones, to recognise late chunks
    std::size_t given_up_count_ = 0;
};

}  // namespace llmsnoop::stream
