#pragma once
// Exchanges as a busy node has them: some dozens of pods, models of several providers, streams and documents, errors,
// counts that are not known, servers that are on the node too. The same seed makes the same ones.
#include <cstdint>
#include <random>
#include <string>

#include "agent/base/clock.h"
#include "agent/model/cleared.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "agent/policy/gate.h"

namespace llmsnoop::tests {

class ExchangeMaker {
 public:
    // The first begins at `start`, each other one `apart` later.
    ExchangeMaker(std::uint64_t seed, base::Time start, base::Duration apart = std::chrono::milliseconds(1));

    model::Cleared<model::Exchange> next();

 private:
    std::string id_of(base::Time time);

    std::mt19937_64 random_;
    base::Time time_;
    base::Duration apart_;
    model::LossCounters losses_;
    policy::Gate gate_;
};

}  // namespace llmsnoop::tests
