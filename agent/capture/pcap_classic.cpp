#include "agent/base/endian.h"
#include "agent/capture/pcap_reader.h"

namespace llmsnoop::capture {

namespace {

constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kRecordHeader = 16;
constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;

}  // namespace

bool PcapClassicReader::recognises(base::Bytes magic) {
    if (magic.size() < PcapLimits::kMagic) return false;
    const auto little = base::load_le<std::uint32_t>(magic.data());
    const auto big = base::load_be<std::uint32_t>(magic.data());
    return little == kMicroseconds || little == kNanoseconds || big == kMicroseconds || big == kNanoseconds;
}

std::uint32_t PcapClassicReader::number(const std::uint8_t* at) const {
    return swapped_ ? base::load_be<std::uint32_t>(at) : base::load_le<std::uint32_t>(at);
}

void PcapClassicReader::start(base::Bytes header) {
    const auto big = base::load_be<std::uint32_t>(header.data());
    swapped_ = big == kMicroseconds || big == kNanoseconds;
    nanoseconds_ = number(header.data()) == kNanoseconds;
    // The upper bits speak of the frame check sequence, which the length in the IP header leaves out anyway.
    link_ = number(header.data() + 20) & 0xffff;
}

void PcapClassicReader::begin_record(base::Bytes header) {
    const std::uint64_t fraction = number(header.data() + 4);
    time_ = pcap_time(number(header.data()), nanoseconds_ ? fraction : fraction * 1000);
    captured_ = number(header.data() + 8);
    length_ = number(header.data() + 12);
    step_ = Step::packet;
    if (captured_ > PcapLimits::kPacket) {
        losses_.add(model::Loss::packet_malformed);
        skip_ = captured_;
        step_ = Step::skipping;
    }
}

void PcapClassicReader::feed(base::Bytes piece, PacketOut out) {
    cutter_.supply(piece);
    for (;;) {
        if (step_ == Step::skipping) {
            if (!cutter_.skip(&skip_)) return;
            step_ = Step::record_header;
        }
        const std::size_t need = step_ == Step::file_header     ? kFileHeader
                                 : step_ == Step::record_header ? kRecordHeader
                                                                : captured_;
        const auto unit = cutter_.take(need);
        if (!unit) return;
        if (step_ == Step::file_header) {
            start(*unit);
            step_ = Step::record_header;
        } else if (step_ == Step::record_header) {
            begin_record(*unit);
        } else {
            step_ = Step::record_header;
            out(Packet{link_, time_, *unit, length_});
        }
    }
}

void PcapClassicReader::finish() {
    if (step_ != Step::record_header || cutter_.kept() > 0) losses_.add(model::Loss::packet_truncated);
}

}  // namespace llmsnoop::capture
