#include "exporters/record_timing.h"

#include <algorithm>
#include <vector>

#include "agent/model/operation.h"

namespace llmsnoop::exporters {

namespace {

// Times come from different reads of a clock that may be set: what would be negative is unknown.
std::optional<base::Duration> between(base::Time begin, std::optional<base::Time> end) {
    if (!end || *end < begin) return std::nullopt;
    return *end - begin;
}

bool was_streamed(const model::Exchange& exchange) {
    if (exchange.llm.stream) return *exchange.llm.stream;
    const model::ContentTiming& timing = exchange.llm.timing;
    return timing.first && timing.last && *timing.first < *timing.last;
}

// The smallest value that at least `percent` of a hundred do not exceed.
base::Duration percentile(std::vector<std::uint32_t>& values, std::size_t percent) {
    const std::size_t rank = std::max<std::size_t>((values.size() * percent + 99) / 100, 1);
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(values.begin(), at, values.end());
    return std::chrono::microseconds(*at);
}

}  // namespace

std::optional<base::Duration> duration_of(const model::Exchange& exchange) {
    if (exchange.llm.operation == model::kBatch) return std::nullopt;
    return between(exchange.timing.started, exchange.timing.ended);
}

std::optional<base::Duration> upload_of(const model::Exchange& exchange) {
    return between(exchange.timing.started, exchange.timing.request_ended);
}

std::optional<base::Duration> time_to_first_token(const model::Exchange& exchange) {
    if (!was_streamed(exchange)) return std::nullopt;
    return between(exchange.timing.started, exchange.llm.timing.first);
}

std::optional<base::Duration> time_per_output_token(const model::Exchange& exchange) {
    const auto duration = duration_of(exchange);
    const auto first = time_to_first_token(exchange);
    const model::Count output = exchange.usage.output;
    if (!duration || !first || !output || *output < 2 || *duration < *first) return std::nullopt;
    return base::Duration((*duration - *first).count() / static_cast<std::int64_t>(*output - 1));
}

std::optional<InterToken> inter_token_of(const model::Exchange& exchange) {
    if (exchange.llm.timing.gaps_us.empty()) return std::nullopt;
    std::vector<std::uint32_t> gaps = exchange.llm.timing.gaps_us;
    const base::Duration p50 = percentile(gaps, 50);
    return InterToken{p50, percentile(gaps, 99)};
}

}  // namespace llmsnoop::exporters
