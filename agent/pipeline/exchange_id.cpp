#include "agent/pipeline/exchange_id.h"

#include <array>

namespace llmsnoop::pipeline {

namespace {

// The finaliser of SplitMix64: every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

}  // namespace

std::string exchange_id(base::Time started, model::ConnectionId connection, model::ExchangeNumber exchange,
                        std::uint32_t turn) {
    static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const std::int64_t ns = base::unix_ns(started);
    const auto milliseconds = static_cast<std::uint64_t>(ns / 1'000'000) & 0xffff'ffff'ffffULL;
    const std::uint64_t first = mix(connection ^ mix(static_cast<std::uint64_t>(ns)));
    const std::uint64_t second = mix(first ^ (static_cast<std::uint64_t>(exchange) << 32 | turn));

    // 128 bits, most significant first: 48 of time, 16 of `first`, 64 of `second`.
    const std::uint64_t high = milliseconds << 16 | (first >> 48);
    std::string out(26, '0');
    std::uint64_t low = second;
    std::uint64_t rest = high;
    for (std::size_t i = 26; i-- > 0;) {
        out[i] = kDigits[low & 31];
        low = low >> 5 | rest << 59;
        rest >>= 5;
    }
    return out;
}

}  // namespace llmsnoop::pipeline
