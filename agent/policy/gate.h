#pragma once
// The policy gate: the only way out for anything that was read from the wire. It removes what is not configured to leave
// (by default: all content), masks secrets in what is left, replaces texts by hashes, and says in findings what it noticed.
//
// Thread-safe after construction.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/cleared.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"

namespace llmsnoop::policy {

enum class ContentMode : std::uint8_t {
    none,      // hashes only
    redacted,  // messages and tool arguments, after masking secrets
};

struct Policy {
    ContentMode content = ContentMode::none;
    bool hashes = true;               // prompt_sha256, completion_sha256
    std::size_t content_bytes = 64U << 10;  // of each text that leaves; the rest is cut
};

class Gate {
   public:
    Gate(Policy policy, model::LossCounters& losses);

    model::Cleared<model::Exchange> clear(model::Exchange exchange) const;
    model::Cleared<model::ExchangeStarted> clear(model::ExchangeStarted started) const;

    const Policy& policy() const { return policy_; }

   private:
    Policy policy_;
    model::LossCounters& losses_;
};

}  // namespace llmsnoop::policy
