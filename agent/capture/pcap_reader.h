#pragma once
// The packets of a capture file: pcap (either byte order, micro- or nanoseconds) or pcapng (several sections and
// interfaces).
//
// Sans-IO: the file comes in pieces cut anywhere, and nothing is read ahead, so that a pipe serves as well as a file.
// Nothing in the file is trusted: a record longer than any packet can be is skipped, not stored, and counted as
// packet_malformed; a file that ends within a record counts one packet_truncated. Not thread-safe.
#include <cstdint>
#include <variant>
#include <vector>

#include "agent/base/function_ref.h"
#include "agent/capture/packet_cutter.h"
#include "agent/capture/packet_segment.h"
#include "agent/capture/pcap_time.h"
#include "agent/model/loss.h"

namespace llmsnoop::capture {

// Valid only during the call that delivers it.
using PacketOut = base::FunctionRef<void(const Packet&)>;

struct PcapLimits {
    static constexpr std::size_t kMagic = 4;              // bytes that tell the format
    static constexpr std::uint32_t kPacket = 1U << 20;    // the largest packet; offloading makes up to 512 KB
    static constexpr std::uint32_t kBlock = 2U << 20;     // the largest pcapng block that is looked into
    static constexpr std::size_t kInterfaces = 1U << 14;  // per section
};

// https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
class PcapClassicReader {
 public:
    explicit PcapClassicReader(model::LossCounters& losses) : losses_(losses) {}

    static bool recognises(base::Bytes magic);

    void feed(base::Bytes piece, PacketOut out);
    void finish();
    bool broken() const { return false; }  // every length leads to another record, if only to the end of the file

 private:
    enum class Step : std::uint8_t { file_header, record_header, packet, skipping };

    void start(base::Bytes header);
    void begin_record(base::Bytes header);
    std::uint32_t number(const std::uint8_t* at) const;

    model::LossCounters& losses_;
    Cutter cutter_;
    Step step_ = Step::file_header;
    bool swapped_ = false;
    bool nanoseconds_ = false;
    std::uint32_t link_ = 0;
    base::Time time_;
    std::uint32_t captured_ = 0;
    std::uint32_t length_ = 0;
    std::uint64_t skip_ = 0;
};

// https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
class PcapNgReader {
 public:
    explicit PcapNgReader(model::LossCounters& losses) : losses_(losses) {}

    static bool recognises(base::Bytes magic);

    void feed(base::Bytes piece, PacketOut out);
    void finish();
    bool broken() const {
        return step_ == Step::broken;
    }  // a block's length makes no sense: where the next begins is unknown

 private:
    enum class Step : std::uint8_t { block_header, section_header, block, skipping, broken };

    struct Interface {
        std::uint32_t link = 0;
        std::uint32_t snap_length = 0;  // 0: unlimited
        PcapClock clock;
    };

    bool step(PacketOut out);  // false: more input is needed
    bool begin_block();
    bool give_up();
    void block(base::Bytes body, PacketOut out);
    void interface_description(base::Bytes body);
    void enhanced_packet(base::Bytes body, PacketOut out);
    void simple_packet(base::Bytes body, PacketOut out);
    void old_packet(base::Bytes body, PacketOut out);
    void emit(std::size_t interface, std::uint64_t units, std::uint32_t captured, std::uint32_t length,
              base::Bytes data, PacketOut out);
    std::uint16_t half(const std::uint8_t* at) const;
    std::uint32_t word(const std::uint8_t* at) const;

    model::LossCounters& losses_;
    Cutter cutter_;
    Step step_ = Step::block_header;
    bool swapped_ = false;
    std::uint32_t type_ = 0;
    std::uint32_t length_ = 0;
    std::uint64_t rest_ = 0;  // of the block, after what has been taken of it
    std::vector<Interface> interfaces_;
    base::Time latest_;
};

// Either of the two, by the first bytes of the file.
class PcapReader {
 public:
    explicit PcapReader(base::Bytes magic, model::LossCounters& losses);

    static bool recognises(base::Bytes magic);

    // `magic` is part of the file and is fed again with the rest.
    void feed(base::Bytes piece, PacketOut out);
    void finish();
    bool broken() const;

 private:
    std::variant<PcapClassicReader, PcapNgReader> format_;
};

}  // namespace llmsnoop::capture
