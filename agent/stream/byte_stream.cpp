#include "agent/stream/byte_stream.h"

#include <algorithm>
#include <limits>

namespace llmsnoop::stream {

ByteStream::ByteStream(model::Ordering ordering, model::LossCounters& losses, const Limits& limits)
    : ordering_(ordering), losses_(losses), limits_(limits) {}

void ByteStream::feed(const model::Chunk& chunk, StreamOut out) {
    latest_ = std::max(latest_, chunk.time);

    Piece piece;
    piece.offset = chunk.offset;
    piece.time = chunk.time;
    piece.missing = chunk.missing;
    piece.length = std::min(std::max<std::uint64_t>(chunk.length, chunk.bytes.size()),
                            std::numeric_limits<std::uint64_t>::max() - chunk.offset);
    piece.bytes = chunk.bytes.first(std::min<std::uint64_t>(chunk.bytes.size(), piece.length));
    if (piece.length == 0) return;

    if (piece.offset == next_ && waiting_.empty()) {
        progress_ = std::max(progress_, chunk.time);
        deliver(piece, out);
        return;
    }
    place(piece, out);
}

void ByteStream::advance(base::Time now, StreamOut out) {
    latest_ = std::max(latest_, now);
    give_up_old_holes(out);
}

void ByteStream::end(std::optional<std::uint64_t> length, base::Time time, StreamOut out) {
    latest_ = std::max(latest_, time);
    if (length) {
        // TCP's FIN takes the last sequence number: what claims to lie behind it is not part of this stream.
        for (auto it = waiting_.lower_bound(*length); it != waiting_.end(); it = waiting_.erase(it)) {
            waiting_bytes_ -= it->second.bytes.size();
            losses_.add(model::Loss::late_chunk);
        }
    }
    while (!waiting_.empty())
        give_up_first_hole(model::Loss::stream_gap, out);
    if (length && *length > next_) {
        count_gap(*length);
        emit_gap(*length, time, model::Loss::stream_gap, out);
    }
}

// Cuts [begin, end) out of a piece; the caller guarantees that it lies within.
ByteStream::Piece ByteStream::sub_piece(const Piece& piece, std::uint64_t begin, std::uint64_t end) {
    Piece part = piece;
    const std::uint64_t skip = std::min<std::uint64_t>(begin - piece.offset, piece.bytes.size());
    part.offset = begin;
    part.length = end - begin;
    part.bytes = piece.bytes.subspan(skip).first(std::min<std::uint64_t>(piece.bytes.size() - skip, part.length));
    return part;
}

void ByteStream::place(const Piece& piece, StreamOut out) {
    if (piece.offset < next_) count_if_late(piece);
    if (piece.end() <= next_) {
        give_up_old_holes(out);
        return;
    }
    const Piece rest = sub_piece(piece, std::max(piece.offset, next_), piece.end());

    if (ordering_ == model::Ordering::in_order) {
        if (rest.offset > next_) {
            count_gap(rest.offset);
            emit_gap(rest.offset, rest.time, model::Loss::stream_gap, out);
        }
        deliver(rest, out);
        return;
    }
    place_uncovered(rest, out);
    while (waiting_bytes_ > limits_.waiting_bytes || waiting_.size() > limits_.waiting_chunks) {
        give_up_first_hole(model::Loss::reorder_limit, out);
    }
    give_up_old_holes(out);
}

// Delivers or keeps those parts of the piece that no earlier chunk has brought.
void ByteStream::place_uncovered(const Piece& piece, StreamOut out) {
    const std::uint64_t end = piece.end();
    std::uint64_t at = piece.offset;
    while (at < end) {
        auto after = waiting_.upper_bound(at);
        if (after != waiting_.begin()) {
            const auto before = std::prev(after);
            const std::uint64_t covered = before->first + before->second.length;
            if (covered > at) {
                at = covered;
                continue;
            }
        }
        const Piece part = sub_piece(piece, at, after == waiting_.end() ? end : std::min(end, after->first));
        if (at == next_) {
            progress_ = std::max(progress_, piece.time);
            deliver(part, out);
            release(out);
        } else {
            keep(part);
        }
        at = std::max(part.end(), next_);
    }
}

void ByteStream::deliver(const Piece& piece, StreamOut out) {
    if (!piece.bytes.empty()) {
        next_ = piece.offset + piece.bytes.size();
        out(model::StreamBytes{piece.offset, piece.time, piece.bytes});
    }
    if (piece.length > piece.bytes.size()) {
        // Only a hole without a cause is a new fact; the others were counted where they arose.
        if (piece.missing == model::Loss::stream_gap) losses_.add(model::Loss::stream_gap);
        emit_gap(piece.end(), piece.time, piece.missing, out);
    }
}

void ByteStream::keep(const Piece& piece) {
    waiting_bytes_ += piece.bytes.size();
    waiting_.emplace_hint(waiting_.end(), piece.offset,
                          Waiting{piece.time, std::string(base::as_text(piece.bytes)), piece.length, piece.missing});
}

// Delivers what has become contiguous.
void ByteStream::release(StreamOut out) {
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
        const auto node = waiting_.extract(waiting_.begin());
        const Waiting& held = node.mapped();
        waiting_bytes_ -= held.bytes.size();
        deliver(Piece{node.key(), held.time, base::as_bytes(held.bytes), held.length, held.missing}, out);
    }
}

void ByteStream::give_up_first_hole(model::Loss reason, StreamOut out) {
    losses_.add(reason);
    emit_gap(waiting_.begin()->first, latest_, reason, out);
    release(out);
}

// A hole is old when neither the bytes behind it nor any bytes in order are recent: a single stray segment far ahead
// does not make a stream jump that otherwise goes on.
void ByteStream::give_up_old_holes(StreamOut out) {
    while (!waiting_.empty() && latest_ - std::max(progress_, waiting_.begin()->second.time) > limits_.waiting_time) {
        give_up_first_hole(model::Loss::stream_gap, out);
    }
}

void ByteStream::emit_gap(std::uint64_t until, base::Time time, model::Loss reason, StreamOut out) {
    const Hole hole{next_, until};
    given_up_[given_up_count_++ % given_up_.size()] = hole;
    next_ = until;
    out(model::Gap{hole.begin, hole.end - hole.begin, time, reason});
}

void ByteStream::count_gap(std::uint64_t until) {
    if (until > unwanted_until_) losses_.add(model::Loss::stream_gap);
}

void ByteStream::count_if_late(const Piece& piece) {
    const bool late = std::any_of(given_up_.begin(), given_up_.end(), [&](const Hole& hole) {
        return piece.offset < hole.end && hole.begin < piece.offset + piece.bytes.size();
    });
    if (late) losses_.add(model::Loss::late_chunk);
}

}  // namespace llmsnoop::stream
