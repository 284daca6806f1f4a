#pragma once
// What every shard of the pipeline uses and none owns. Everything here is thread-safe.
#include <cstdint>
#include <functional>
#include <string>

#include "agent/attribution/process_table.h"
#include "agent/base/memory_budget.h"
#include "agent/blind/blind_table.h"
#include "agent/capture/source.h"
#include "agent/llm/registry.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "agent/model/traffic.h"
#include "agent/pipeline/body_reader.h"
#include "agent/pipeline/counted_responses.h"
#include "agent/pipeline/pairing.h"
#include "agent/tokens/pricing.h"

namespace llmsnoop::pipeline {

// What becomes of usage that the provider did not report.
enum class MissingUsage : std::uint8_t { unknown, estimated };

struct Settings {
    BodyHash body_hash = BodyHash::none;
    MissingUsage missing_usage = MissingUsage::estimated;
    llm::Batches batch_results = llm::Batches::ignored;
    std::size_t connections = 65536;        // open at once, per shard
    std::size_t exchanges = 1024;           // open at once, per connection
    std::uint64_t mute_from = 256U << 10;   // bodies of no interest with more than this left are muted
    std::size_t memory_bytes = 256U << 20;  // bodies and messages in progress, of all connections together
};

// Where finished exchanges go. Called by any shard's thread; must be thread-safe.
struct Output {
    std::function<void(model::ExchangeStarted)> started;
    std::function<void(model::Exchange)> finished;
    std::function<void()> round = {};  // by one thread, after each round of the source
    std::function<void()> ended = {};  // nothing will come any more: once, at the end
};

struct Services {
    Settings settings;
    capture::Source& source;
    model::LossCounters& losses;
    attribution::ProcessTable& processes;
    Output output;
    Pairing pairing;
    CountedResponses counted;
    model::TrafficCounters traffic;
    const tokens::Pricing* pricing = nullptr;  // none: no costs, not even reported ones
    base::MemoryBudget memory{settings.memory_bytes};
    blind::BlindTable* blind = nullptr;  // none: blind spots are not looked for
};

}  // namespace llmsnoop::pipeline
