#pragma once
// From a captured packet to the TCP segment in it. Stateless; nothing is copied.
#include <cstdint>
#include <optional>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/endpoint.h"
#include "agent/model/loss.h"

namespace llmsnoop::capture {

// As a capture file holds it. `link` is a LINKTYPE_ number of the registry of pcap link types.
struct Packet {
    std::uint32_t link = 0;
    base::Time time;
    base::Bytes bytes;
    std::uint64_t length = 0;  // on the wire; more than bytes.size() where the capture has cut the packet short
};

struct TcpSegment {
    static constexpr std::uint8_t kFin = 0x01;
    static constexpr std::uint8_t kSyn = 0x02;
    static constexpr std::uint8_t kReset = 0x04;
    static constexpr std::uint8_t kPush = 0x08;
    static constexpr std::uint8_t kAck = 0x10;

    model::Endpoint source;
    model::Endpoint destination;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;  // meaningful with kAck
    std::uint8_t flags = 0;
    base::Bytes payload;       // what was captured of it, from its beginning
    std::uint64_t length = 0;  // of the payload on the wire

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

// An IP packet on its way to the transport: what the link layer left, or what the IP header left.
struct PacketPart {
    base::Bytes bytes;         // captured
    std::uint64_t length = 0;  // on the wire, never less than bytes.size()

    // Without its first `size` bytes, which the caller knows to be captured.
    PacketPart without(std::size_t size) const { return {bytes.subspan(size), length - size}; }
};

// The IP packet inside a frame of the given link layer. Nothing: the frame holds no IP (ARP and its like, no loss), or
// it cannot be read, which is counted.
std::optional<PacketPart> ip_packet(const Packet& packet, model::LossCounters& losses);

// The TCP segment inside an IP packet. Nothing: the packet holds no TCP (no loss), or it cannot be read, which is
// counted. Checksums are not looked at: with offloading, a capture on the sender holds packets that have none yet.
std::optional<TcpSegment> tcp_segment(const PacketPart& ip, model::LossCounters& losses);

}  // namespace llmsnoop::capture
