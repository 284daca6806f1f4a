#pragma once
// A capture file, pcap or pcapng, as events: packets to segments to connections. Sans-IO; not thread-safe.
#include "agent/capture/pcap_reader.h"
#include "agent/capture/source.h"
#include "agent/capture/tcp_tracker.h"

namespace llmsnoop::capture {

class PcapDecoder {
 public:
    // `magic`: the first PcapLimits::kMagic bytes of the file, which PcapReader recognises. They are fed with the rest.
    PcapDecoder(base::Bytes magic, model::LossCounters& losses, const TcpLimits& limits = {})
        : losses_(losses), reader_(magic, losses), tracker_(losses, limits) {}

    void feed(base::Bytes piece, EventOut out);
    void finish(EventOut out);

    // The rest of the file cannot be read.
    bool broken() const { return reader_.broken(); }

 private:
    model::LossCounters& losses_;
    PcapReader reader_;
    TcpTracker tracker_;
};

}  // namespace llmsnoop::capture
