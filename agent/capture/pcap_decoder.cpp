#include "agent/capture/pcap_decoder.h"

namespace llmsnoop::capture {

void PcapDecoder::feed(base::Bytes piece, EventOut out) {
    reader_.feed(piece, [&](const Packet& packet) {
        const auto ip = ip_packet(packet, losses_);
        if (!ip) return;
        const auto segment = tcp_segment(*ip, losses_);
        if (segment) tracker_.feed(*segment, packet.time, out);
    });
}

void PcapDecoder::finish(EventOut out) {
    reader_.finish();
    tracker_.finish(out);
}

}  // namespace llmsnoop::capture
