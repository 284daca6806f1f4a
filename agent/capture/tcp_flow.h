#pragma once
// One TCP connection of a capture file, from the first packet seen of it to its end, as events of the model.
//
// The connection is announced with its first payload: by then the content tells who is the client where no SYN was
// seen, and connections that carry nothing are never heard of. Directions are those of the client: what it sends is
// `sent`.
//
// Bytes that the other end has acknowledged and that were not seen are missing, or were overtaken on their way into the
// file: those of two taps are put in order by clocks that differ. So data that follow, of either direction, are kept
// back for a moment. If the bytes do not come, a chunk without bytes says that they are missing; what came behind them
// in one direction keeps its place beside the other one.
//
// Where the beginning was not seen (`from_start` is false), the first event of each direction is a Chunk, perhaps an
// empty one, at the offset where that direction begins for the consumer.
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

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

    // A FIN overtakes segments that are sent again, and data those that were acknowledged. After a while they are not
    // waited for any longer.
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

    // Payload as it was seen, and what its segment acknowledged.
    struct Data {
        Side side = 0;
        std::uint32_t sequence = 0;
        std::optional<std::uint32_t> acknowledged;
        base::Time time;
        base::Bytes bytes;
        std::uint64_t length = 0;  // on the wire
    };
    struct Kept {
        Data data;  // its bytes are those of `copy`
        std::string copy;

        std::size_t size() const { return sizeof(*this) + copy.size(); }
    };
    enum class Patience : std::uint8_t { some, none };

    void handshake(Side side, const TcpSegment& segment);
    void payload(Side side, const TcpSegment& segment, EventOut out);
    void keep(const Data& data);
    void release(Patience patience, EventOut out);
    bool has_waited(const Data& data) const;
    bool lacks_acknowledged(Side side) const;
    bool overtakes(const Data& data) const;
    void deliver(const Data& data, EventOut out);
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
    std::list<Kept> kept_;  // in the order seen
    std::size_t kept_bytes_ = 0;
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
