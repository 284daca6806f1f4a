#pragma once
// Connections that a server has ended without serving them, counted by reason: llmsnoop_http_refused_total.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/counters.h"

namespace llmsnoop::exporters {

enum class Refusal : std::uint8_t {
    handshake_failed,   // no TLS, or none that both ends can speak
    handshake_timeout,  // TLS that was not set up in time
    request_timeout,    // a request that was not sent in time
    crowded,            // it had asked nothing yet, and made room for another one
    busy,               // too many others were being answered
    slow_reader,        // it did not take its answer
};
inline constexpr std::size_t kRefusalCount = 6;

using RefusalCounters = base::CounterArray<Refusal, kRefusalCount>;

constexpr std::string_view name_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::handshake_failed:
            return "handshake_failed";
        case Refusal::handshake_timeout:
            return "handshake_timeout";
        case Refusal::request_timeout:
            return "request_timeout";
        case Refusal::crowded:
            return "crowded";
        case Refusal::busy:
            return "busy";
        case Refusal::slow_reader:
            return "slow_reader";
    }
    return "";
}

}  // namespace llmsnoop::exporters
