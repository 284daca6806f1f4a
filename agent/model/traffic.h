#pragma once
// How much plaintext reached the pipeline, by direction as the traced process sees it: the denominator for every loss,
// and the proof that something is captured at all.
#include <cstddef>
#include <cstdint>

#include "agent/base/counters.h"

namespace llmsnoop::model {

enum class Traffic : std::uint8_t { sent_chunks, sent_bytes, received_chunks, received_bytes };
inline constexpr std::size_t kTrafficCount = 4;

using TrafficCounters = base::CounterArray<Traffic, kTrafficCount>;

}  // namespace llmsnoop::model
