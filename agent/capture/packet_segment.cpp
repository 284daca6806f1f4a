#include "agent/capture/packet_segment.h"

#include <algorithm>
#include <cstring>

#include "agent/base/endian.h"

namespace llmsnoop::capture {

namespace {

using base::load_be;
using model::Address;
using model::Loss;

constexpr std::uint8_t kTcp = 6;

Address address(Address::Family family, const std::uint8_t* at) {
    Address out;
    out.family = family;
    std::memcpy(out.bytes.data(), at, family == Address::Family::ipv4 ? 4 : 16);
    return out;
}

std::nullopt_t lost(Loss why, model::LossCounters& losses) {
    losses.add(why);
    return std::nullopt;
}

// The part of `part` that the length field of an IP header speaks of: without the padding of short Ethernet frames, and
// as long as the header says even where less was captured.
PacketPart limited(const PacketPart& part, std::uint64_t length) {
    return {part.bytes.first(std::min<std::uint64_t>(part.bytes.size(), length)), length};
}

// RFC 9293 section 3.1.
std::optional<TcpSegment> transport(TcpSegment out, const PacketPart& part, model::LossCounters& losses) {
    if (part.length < 20) return lost(Loss::packet_malformed, losses);
    if (part.bytes.size() < 20) return lost(Loss::packet_truncated, losses);
    const std::uint8_t* at = part.bytes.data();
    const std::size_t header = static_cast<std::size_t>(at[12] >> 4) * 4;
    if (header < 20 || header > part.length) return lost(Loss::packet_malformed, losses);
    out.source.port = load_be<std::uint16_t>(at);
    out.destination.port = load_be<std::uint16_t>(at + 2);
    out.sequence = load_be<std::uint32_t>(at + 4);
    out.acknowledged = load_be<std::uint32_t>(at + 8);
    out.flags = at[13];
    out.length = part.length - header;
    if (part.bytes.size() > header) out.payload = part.bytes.subspan(header);
    return out;
}

// RFC 791 section 3.1.
std::optional<TcpSegment> ipv4(const PacketPart& ip, model::LossCounters& losses) {
    if (ip.bytes.size() < 20) return lost(ip.length < 20 ? Loss::packet_malformed : Loss::packet_truncated, losses);
    const std::uint8_t* at = ip.bytes.data();
    if (at[9] != kTcp) return std::nullopt;
    const std::size_t header = static_cast<std::size_t>(at[0] & 15) * 4;
    std::uint64_t total = load_be<std::uint16_t>(at + 2);
    // Segmentation offload: a packet of more than 64 KB, or one whose length the card would have filled in, says 0.
    if (total == 0) total = ip.length;
    if (header < 20 || total < header) return lost(Loss::packet_malformed, losses);
    // More fragments, or not the first one.
    if ((load_be<std::uint16_t>(at + 6) & 0x3fff) != 0) return lost(Loss::packet_fragment, losses);
    if (ip.bytes.size() < header) return lost(Loss::packet_truncated, losses);
    TcpSegment out;
    out.source.address = address(Address::Family::ipv4, at + 12);
    out.destination.address = address(Address::Family::ipv4, at + 16);
    return transport(out, limited(ip, total).without(header), losses);
}

// RFC 8200 section 4: each extension header names the next one. Every step moves on by eight bytes at least.
std::optional<TcpSegment> ipv6(const PacketPart& ip, model::LossCounters& losses) {
    if (ip.bytes.size() < 40) return lost(ip.length < 40 ? Loss::packet_malformed : Loss::packet_truncated, losses);
    const std::uint8_t* at = ip.bytes.data();
    TcpSegment out;
    out.source.address = address(Address::Family::ipv6, at + 8);
    out.destination.address = address(Address::Family::ipv6, at + 24);
    const std::uint64_t size = load_be<std::uint16_t>(at + 4);
    // 0 stands for a jumbogram (RFC 2675), which is also how offloaded packets beyond 64 KB are shown.
    PacketPart rest = (size == 0 ? ip : limited(ip, 40 + size)).without(40);
    std::uint8_t next = at[6];
    while (next != kTcp) {
        const bool fragment = next == 44;
        if (next != 0 && next != 43 && next != 51 && next != 60 && next != 135 && !fragment) return std::nullopt;
        if (rest.length < 8) return lost(Loss::packet_malformed, losses);
        if (rest.bytes.size() < 8) return lost(Loss::packet_truncated, losses);
        const std::uint8_t* header = rest.bytes.data();
        // RFC 6946: a fragment header with offset 0 and no more fragments is a whole packet.
        if (fragment && (load_be<std::uint16_t>(header + 2) & 0xfff9) != 0) {
            return header[0] == kTcp ? lost(Loss::packet_fragment, losses) : std::nullopt;
        }
        std::size_t length = (header[1] + std::size_t{1}) * 8;
        if (fragment) length = 8;
        if (next == 51) length = (header[1] + std::size_t{2}) * 4;  // RFC 4302: in words, less two
        if (rest.length < length) return lost(Loss::packet_malformed, losses);
        if (rest.bytes.size() < length) return lost(Loss::packet_truncated, losses);
        next = header[0];
        rest = rest.without(length);
    }
    return transport(out, rest, losses);
}

}  // namespace

std::optional<TcpSegment> tcp_segment(const PacketPart& ip, model::LossCounters& losses) {
    if (ip.bytes.empty()) return lost(ip.length == 0 ? Loss::packet_malformed : Loss::packet_truncated, losses);
    switch (ip.bytes[0] >> 4) {
        case 4:
            return ipv4(ip, losses);
        case 6:
            return ipv6(ip, losses);
        default:
            return lost(Loss::packet_malformed, losses);
    }
}

}  // namespace llmsnoop::capture
