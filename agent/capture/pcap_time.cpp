#include "agent/capture/pcap_time.h"

#include <algorithm>

namespace llmsnoop::capture {

namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
constexpr std::uint64_t kLastSecond = (std::uint64_t{1} << 62) / kBillion - 1;

}  // namespace

base::Time pcap_time(std::uint64_t seconds, std::uint64_t nanoseconds) {
    if (seconds >= kLastSecond) return base::time_from_unix_ns(static_cast<std::int64_t>(kLastSecond * kBillion));
    nanoseconds = std::min(nanoseconds, kBillion - 1);
    return base::time_from_unix_ns(static_cast<std::int64_t>(seconds * kBillion + nanoseconds));
}

base::Time PcapClock::at(std::uint64_t units) const {
    std::uint64_t seconds = 0;
    std::uint64_t nanoseconds = 0;
    if (binary) {
        // Of the fraction, the 32 highest bits are enough: their unit is a quarter of a nanosecond.
        const unsigned bits = exponent;
        seconds = bits < 64 ? units >> bits : 0;
        std::uint64_t fraction = bits < 64 ? units & ((std::uint64_t{1} << bits) - 1) : units;
        if (bits > 32) fraction = bits - 32 < 64 ? fraction >> (bits - 32) : 0;
        nanoseconds = (fraction * kBillion) >> std::min(bits, 32U);
    } else {
        // Finer than 10^-19 there is no second in 64 bits; nobody writes such files.
        if (exponent > 19) return pcap_time(0, 0);
        std::uint64_t per_second = 1;
        for (unsigned i = 0; i < exponent; ++i)
            per_second *= 10;
        seconds = units / per_second;
        const std::uint64_t fraction = units % per_second;
        nanoseconds = per_second >= kBillion ? fraction / (per_second / kBillion) : fraction * (kBillion / per_second);
    }
    if (offset < 0) {
        const std::uint64_t back = ~static_cast<std::uint64_t>(offset) + 1;
        if (back > seconds) return pcap_time(0, 0);
        return pcap_time(seconds - back, nanoseconds);
    }
    const auto forward = static_cast<std::uint64_t>(offset);
    return pcap_time(std::min(seconds, kLastSecond) + std::min(forward, kLastSecond), nanoseconds);
}

}  // namespace llmsnoop::capture
