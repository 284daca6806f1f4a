#pragma once
// Time stamps of capture files.
#include <cstdint>

#include "agent/base/clock.h"

namespace llmsnoop::capture {

// Times outside 1970 to 2116 are moved to the nearer end: the difference of any two times then fits a Duration,
// whatever a damaged file says.
base::Time pcap_time(std::uint64_t seconds, std::uint64_t nanoseconds);

// How an interface of a pcapng file counts time: options if_tsresol and if_tsoffset.
struct PcapClock {
    bool binary = false;        // a unit is 2^-exponent seconds, otherwise 10^-exponent
    std::uint8_t exponent = 6;  // microseconds, if nothing is said
    std::int64_t offset = 0;    // seconds to be added

    base::Time at(std::uint64_t units) const;
};

}  // namespace llmsnoop::capture
