#pragma once
// Why calls that used tokens have no cost. Each such call is counted, so that a sum of costs never looks whole when it
// is not.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/counters.h"

namespace llmsnoop::model {

enum class Unpriced : std::uint8_t {
    unknown_model,  // no price table knows the model of that provider
    unknown_count,  // only one of input and output is known, and half a cost would be too small
    no_price,       // the model is known, but something that it used has no price
};
inline constexpr std::size_t kUnpricedCount = 3;

std::string_view name_of(Unpriced value);

using UnpricedCounters = base::CounterArray<Unpriced, kUnpricedCount>;

}  // namespace llmsnoop::model
