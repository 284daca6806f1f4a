#include <algorithm>

#include "agent/base/endian.h"
#include "agent/capture/pcap_reader.h"

namespace llmsnoop::capture {

namespace {

using model::Loss;

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;  // a palindrome, so that it is known before the byte order is
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kOldPacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::size_t kFront = 8;    // type and length
constexpr std::size_t kTrailer = 4;  // the length once more

constexpr std::uint16_t kOptionTimeResolution = 9;
constexpr std::uint16_t kOptionTimeOffset = 14;

}  // namespace

bool PcapNgReader::recognises(base::Bytes magic) {
    return magic.size() >= PcapLimits::kMagic && base::load_le<std::uint32_t>(magic.data()) == kSectionHeader;
}

std::uint16_t PcapNgReader::half(const std::uint8_t* at) const {
    return swapped_ ? base::load_be<std::uint16_t>(at) : base::load_le<std::uint16_t>(at);
}

std::uint32_t PcapNgReader::word(const std::uint8_t* at) const {
    return swapped_ ? base::load_be<std::uint32_t>(at) : base::load_le<std::uint32_t>(at);
}

void PcapNgReader::feed(base::Bytes piece, PacketOut out) {
    cutter_.supply(piece);
    while (step(out)) {
    }
}

void PcapNgReader::finish() {
    if (step_ != Step::broken && (step_ != Step::block_header || cutter_.kept() > 0))
        losses_.add(Loss::packet_truncated);
}

bool PcapNgReader::step(PacketOut out) {
    switch (step_) {
        case Step::block_header: {
            const auto front = cutter_.take(kFront);
            if (!front) return false;
            type_ = word(front->data());
            length_ = word(front->data() + 4);
            if (type_ == kSectionHeader) {
                // The length is read again when the byte order of the new section is known.
                length_ = base::load_le<std::uint32_t>(front->data() + 4);
                step_ = Step::section_header;
            } else {
                rest_ = length_ - kFront;
                return begin_block();
            }
            return true;
        }
        case Step::section_header: {
            const auto order = cutter_.take(4);
            if (!order) return false;
            swapped_ = base::load_be<std::uint32_t>(order->data()) == kByteOrder;
            if (!swapped_ && base::load_le<std::uint32_t>(order->data()) != kByteOrder) return give_up();
            if (swapped_) length_ = __builtin_bswap32(length_);
            interfaces_.clear();
            rest_ = length_ - kFront - 4;
            return begin_block();
        }
        case Step::block: {
            const auto body = cutter_.take(static_cast<std::size_t>(rest_));
            if (!body) return false;
            step_ = Step::block_header;
            block(*body, out);
            return true;
        }
        case Step::skipping:
            if (!cutter_.skip(&rest_)) return false;
            step_ = Step::block_header;
            return true;
        case Step::broken:
            return false;
    }
    return false;
}

bool PcapNgReader::give_up() {
    losses_.add(Loss::packet_malformed);
    step_ = Step::broken;
    return false;
}

// Decides what becomes of the block whose type and length are known.
bool PcapNgReader::begin_block() {
    const std::size_t least = kFront + kTrailer + (type_ == kSectionHeader ? 4 : 0);
    if (length_ < least || length_ % 4 != 0) return give_up();
    const bool packet = type_ == kEnhancedPacket || type_ == kSimplePacket || type_ == kOldPacket;
    const bool wanted = packet || type_ == kInterfaceDescription;
    step_ = wanted && length_ <= PcapLimits::kBlock ? Step::block : Step::skipping;
    if (wanted && step_ == Step::skipping) losses_.add(Loss::packet_malformed);
    return true;
}

void PcapNgReader::block(base::Bytes body, PacketOut out) {
    const base::Bytes content = body.first(body.size() - kTrailer);
    if (word(body.data() + content.size()) != length_) {
        losses_.add(Loss::packet_malformed);
        return;
    }
    switch (type_) {
        case kInterfaceDescription:
            return interface_description(content);
        case kEnhancedPacket:
            return enhanced_packet(content, out);
        case kSimplePacket:
            return simple_packet(content, out);
        default:
            return old_packet(content, out);
    }
}

void PcapNgReader::interface_description(base::Bytes body) {
    if (body.size() < 8 || interfaces_.size() >= PcapLimits::kInterfaces) {
        losses_.add(Loss::packet_malformed);
        return;
    }
    Interface made;
    made.link = half(body.data());
    made.snap_length = word(body.data() + 4);
    // Options: code, length, value padded to four bytes; code 0 ends them.
    for (body = body.subspan(8); body.size() >= 4;) {
        const std::uint16_t code = half(body.data());
        const std::size_t size = half(body.data() + 2);
        if (code == 0 || size > body.size() - 4) break;
        const std::uint8_t* value = body.data() + 4;
        if (code == kOptionTimeResolution && size == 1) {
            made.clock.binary = (value[0] & 0x80) != 0;
            made.clock.exponent = value[0] & 0x7f;
        } else if (code == kOptionTimeOffset && size == 8) {
            const std::uint64_t offset =
                swapped_ ? base::load_be<std::uint64_t>(value) : base::load_le<std::uint64_t>(value);
            made.clock.offset = static_cast<std::int64_t>(offset);
        }
        body = body.subspan(std::min(body.size(), 4 + (size + 3) / 4 * 4));
    }
    interfaces_.push_back(made);
}

void PcapNgReader::enhanced_packet(base::Bytes body, PacketOut out) {
    if (body.size() < 20) return losses_.add(Loss::packet_malformed);
    const std::uint8_t* at = body.data();
    const std::uint64_t units = std::uint64_t{word(at + 4)} << 32 | word(at + 8);
    emit(word(at), units, word(at + 12), word(at + 16), body.subspan(20), out);
}

void PcapNgReader::old_packet(base::Bytes body, PacketOut out) {
    if (body.size() < 20) return losses_.add(Loss::packet_malformed);
    const std::uint8_t* at = body.data();
    const std::uint64_t units = std::uint64_t{word(at + 4)} << 32 | word(at + 8);
    emit(half(at), units, word(at + 12), word(at + 16), body.subspan(20), out);
}

// A simple packet block has neither an interface (it is the first) nor a time (here: that of the packet before), and
// its captured length follows from the snap length.
void PcapNgReader::simple_packet(base::Bytes body, PacketOut out) {
    if (body.size() < 4 || interfaces_.empty()) return losses_.add(Loss::packet_malformed);
    const std::uint32_t length = word(body.data());
    const std::uint32_t snap = interfaces_.front().snap_length;
    const base::Bytes data = body.subspan(4);
    std::size_t captured = std::min<std::size_t>(length, data.size());
    if (snap != 0) captured = std::min<std::size_t>(captured, snap);
    if (captured > PcapLimits::kPacket) return losses_.add(Loss::packet_malformed);
    out(Packet{interfaces_.front().link, latest_, data.first(captured), length});
}

void PcapNgReader::emit(std::size_t interface, std::uint64_t units, std::uint32_t captured, std::uint32_t length,
                        base::Bytes data, PacketOut out) {
    if (interface >= interfaces_.size() || captured > data.size() || captured > PcapLimits::kPacket) {
        return losses_.add(Loss::packet_malformed);
    }
    latest_ = interfaces_[interface].clock.at(units);
    out(Packet{interfaces_[interface].link, latest_, data.first(captured), length});
}

}  // namespace llmsnoop::capture
