#pragma once
// What a finished call used, and what that cost: as the provider says, else by our own count and the price tables.
// Done once for each record, when the call is over, never while bytes come in.
#include "agent/model/exchange.h"
#include "agent/pipeline/services.h"

namespace llmsnoop::pipeline {

enum class Tokens : std::uint8_t {
    count,
    leave,  // they belong to another record, or are only asked about: what the provider reports stays in the details
};

// Sets `usage` and `cost` by everything else in the exchange. A response that is read again is counted once. The first
// estimate for an encoding loads its tokens (tokens/vocabulary.h).
void account(model::Exchange& exchange, Tokens tokens, Services& services);

}  // namespace llmsnoop::pipeline
