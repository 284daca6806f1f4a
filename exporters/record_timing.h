#pragma once
// Durations that a record states, from the times that an exchange holds. Absent is unknown.
#include <optional>

#include "agent/base/clock.h"
#include "agent/model/exchange.h"

namespace llmsnoop::exporters {

// First byte of the request to last byte of the response; for a record made before the end, as far as it got. Of a
// result of a batch nobody knows how long it took, nor has it any of the durations below.
std::optional<base::Duration> duration_of(const model::Exchange& exchange);

// First byte of the request to its last.
std::optional<base::Duration> upload_of(const model::Exchange& exchange);

// First byte of the request to the first event that carried content: what a reader waits for. The first byte of the
// response, or an event that only announces the answer, is not it. Of streaming calls only: an answer in one piece has
// no first token.
std::optional<base::Duration> time_to_first_token(const model::Exchange& exchange);

// (duration - time to first token) / (output tokens - 1), as OpenTelemetry's gen_ai.server.time_per_output_token. From
// two output tokens on.
std::optional<base::Duration> time_per_output_token(const model::Exchange& exchange);

// Percentiles (nearest rank) of the times between one event that carried content and the next.
struct InterToken {
    base::Duration p50;
    base::Duration p99;
};
std::optional<InterToken> inter_token_of(const model::Exchange& exchange);

}  // namespace llmsnoop::exporters
