#include "agent/capture/pcap_reader.h"

namespace llmsnoop::capture {

PcapReader::PcapReader(base::Bytes magic, model::LossCounters& losses) : format_(PcapClassicReader(losses)) {
    if (PcapNgReader::recognises(magic)) format_.emplace<PcapNgReader>(losses);
}

bool PcapReader::recognises(base::Bytes magic) {
    return PcapClassicReader::recognises(magic) || PcapNgReader::recognises(magic);
}

void PcapReader::feed(base::Bytes piece, PacketOut out) {
    std::visit([&](auto& format) { format.feed(piece, out); }, format_);
}

void PcapReader::finish() {
    std::visit([](auto& format) { format.finish(); }, format_);
}

bool PcapReader::broken() const {
    return std::visit([](const auto& format) { return format.broken(); }, format_);
}

}  // namespace llmsnoop::capture
