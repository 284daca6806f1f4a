// Link layers, by their numbers at https://www.tcpdump.org/linktypes.html.
#include <algorithm>

#include "agent/base/endian.h"
#include "agent/capture/packet_segment.h"

namespace llmsnoop::capture {

namespace {

using base::load_be;
using base::load_le;
using model::Loss;

enum LinkType : std::uint32_t {
    kNull = 0,
    kEthernet = 1,
    kRawBsd = 12,
    kRawOpenBsd = 14,
    kRaw = 101,
    kLoop = 108,
    kLinuxCooked = 113,
    kIpv4 = 228,
    kIpv6 = 229,
    kLinuxCooked2 = 276,
};

// Headers cut off by the snap length are not a contradiction; headers that reach beyond the packet are.
std::nullopt_t too_short(const PacketPart& part, std::size_t need, model::LossCounters& losses) {
    losses.add(part.length < need ? Loss::packet_malformed : Loss::packet_truncated);
    return std::nullopt;
}

// What follows an EtherType field. VLAN tags may be stacked (IEEE 802.1ad); each is two bytes of tag and another
// EtherType.
std::optional<PacketPart> by_ethertype(std::uint16_t type, PacketPart part, model::LossCounters& losses) {
    while (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {
        if (part.bytes.size() < 4) return too_short(part, 4, losses);
        type = load_be<std::uint16_t>(part.bytes.data() + 2);
        part = part.without(4);
    }
    switch (type) {
        case 0x0800:
        case 0x86dd:
            return part;
        case 0x8847:  // MPLS
        case 0x8848:
        case 0x8864:  // PPPoE
            losses.add(Loss::packet_link);
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

// BSD loopback: an address family in the byte order of the machine that captured (NULL) or of the network (LOOP).
// AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, and 24, 28 or 30 on the BSDs.
bool is_ip_family(std::uint32_t family) {
    return family == 2 || family == 10 || family == 23 || family == 24 || family == 28 || family == 30;
}

}  // namespace

std::optional<PacketPart> ip_packet(const Packet& packet, model::LossCounters& losses) {
    const PacketPart part{packet.bytes, std::max<std::uint64_t>(packet.length, packet.bytes.size())};
    const auto cooked = [&](std::size_t header, std::size_t type_at) -> std::optional<PacketPart> {
        if (part.bytes.size() < header) return too_short(part, header, losses);
        return by_ethertype(load_be<std::uint16_t>(part.bytes.data() + type_at), part.without(header), losses);
    };
    switch (packet.link) {
        case kRaw:
        case kRawBsd:
        case kRawOpenBsd:
        case kIpv4:
        case kIpv6:
            return part;
        case kEthernet:
            return cooked(14, 12);
        case kLinuxCooked:
            return cooked(16, 14);
        case kLinuxCooked2:
            return cooked(20, 0);
        case kNull:
        case kLoop: {
            if (part.bytes.size() < 4) return too_short(part, 4, losses);
            const bool ip = is_ip_family(load_be<std::uint32_t>(part.bytes.data())) ||
                            is_ip_family(load_le<std::uint32_t>(part.bytes.data()));
            return ip ? std::optional(part.without(4)) : std::nullopt;
        }
        default:
            losses.add(Loss::packet_link);
            return std::nullopt;
    }
}

}  // namespace llmsnoop::capture
