#pragma once
// One TCP connection of a capture file, from the first packet seen of it to its end, as events of the model.
//
// The connection is announced with its first payload: by then the content tells who is the client where no SYN was
// seen, and connections that carry nothing are never heard of. Directions are those of the client: what it sends is
// `sent`.
//
// Bytes that the other end has acknowledged and that were not seen are not waited for once data follow: a chunk without
// bytes says that they are missing. So what comes behind them in one direction keeps its place beside the other one.
//
// Where the beginning was not seen (`from_start` is false), the first event of each direction is a Chunk, perhaps an
// empty one, at the offset where that direction begins for the consumer.
#include <array>
#include <cstdint>
#include <optional>

#include "agent/capture/packet_segment.h"
#include "agent/capture/source.h"
#include "agent/capture/tcp_direction.h"

namespace llmsnoop::capture {

class TcpFlow {
 public:
    // Index of an end: who sent a segment. The order of the two is the caller's.
    using Side = unsigned;

    enum class Phase : std::uint8_t {
        opening,  // not announced
        open,
        ending,  // something is to be done when the capture has moved on a little: see give_up_waiting
        over,    // closed; late packets are absorbed
    };

    TcpFlow(model::ConnectionId id, const model::Endpoint& first, const model::Endpoint& second, base::Time time,
            model::LossCounters& losses)
        : id_(id), ends_{first, second}, opened_(time), latest_(time), losses_(&losses) {}

    // Is this SYN or SYN-ACK of another connection between the same ends? Then this one is over.
    bool starts_anew(Side side, const TcpSegment& segment) const;

    // True if the segment has brought the end nearer: a FIN or RST that was not known yet.
    bool feed(Side side, const TcpSegment& segment, base::Time time, EventOut out);

    // A FIN overtakes segments that are sent again. After a while they are not waited for any longer.
    void give_up_waiting(EventOut out);

    // Nothing more will be fed.
    void finish(EventOut out);

    Phase phase() const;
    model::ConnectionId id() const { return id_; }

 private:
    struct Half {
        TcpDirection bytes;
        std::optional<std::uint32_t> first_by_syn;  // sequence number of the first byte, told by this end's own SYN
        bool delivered = false;                     // a chunk has been delivered
        bool ended = false;                         // DirectionEnded has been delivered
    };

    void handshake(Side side, const TcpSegment& segment);
    void payload(Side side, const TcpSegment& segment, EventOut out);
    void announce(Side sender, const TcpSegment& segment, EventOut out);
    void pass_over_unseen(Side side, EventOut out);
    void begin_late(Side side, std::uint64_t offset, EventOut out);
    bool believable_reset(Side side, const TcpSegment& segment) const;
    void end_direction(Side side, EventOut out);
    void end_whole_directions(EventOut out);
    void close(model::ConnectionClosed::How how, EventOut out);
    bool both_finished() const;
    std::uint64_t origin() const { return shaken_ ? 0 : TcpDirection::kJoinedAt; }
    model::Direction direction(Side side) const;
    model::Chunk empty_chunk(Side side, std::uint64_t offset) const;

    model::ConnectionId id_;
    std::array<model::Endpoint, 2> ends_;
    std::array<Half, 2> halves_;
    std::optional<Side> client_;
    base::Time opened_;
    base::Time latest_;    // of its packets
    bool shaken_ = false;  // a SYN or SYN-ACK was seen
    bool announced_ = false;
    bool from_start_ = false;
    bool over_ = false;
    model::LossCounters* losses_;
};

}  // namespace llmsnoop::capture
