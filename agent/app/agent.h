#pragma once
// The pipeline with everything around it: identity, policy gate, sinks. What every command that looks at traffic runs.
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "agent/app/config.h"
#include "agent/attribution/bundles.h"
#include "agent/attribution/containers/late_names.h"
#include "agent/attribution/kubernetes/pod_source.h"
#include "agent/attribution/pod_table.h"
#include "agent/attribution/process_table.h"
#include "agent/base/result.h"
#include "agent/blind/blind_table.h"
#include "agent/capture/source.h"
#include "agent/model/loss.h"
#include "agent/model/traffic.h"
#include "agent/pipeline/engine.h"
#include "agent/pipeline/late_identity.h"
#include "agent/policy/gate.h"
#include "exporters/fan_out.h"

namespace llmsnoop::app {

class Agent {
 public:
    // `source`, `pricing` and `losses` must outlive the agent.
    Agent(const Config& config, capture::Source& source, const tokens::Pricing& pricing,
          attribution::ProcessTable::Facts facts, exporters::FanOutOptions::WhenFull when_full,
          model::LossCounters& losses);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Before run().
    exporters::FanOut& sinks() { return fan_out_; }

    // Looks for blind spots too; before run(). Of the options, only what the agent itself knows is replaced.
    void look_for_blind_spots(blind::BlindOptions options);
    // None if nobody looks.
    const blind::BlindTable* blind_spots() const { return blind_.get(); }
    // With the names of their pods, where those are known.
    std::vector<model::BlindProcess> blind_processes();

    // Blocks until the source has ended or stop() is called; then lets the sinks finish. Learns of pods meanwhile,
    // where the configuration says from whom.
    base::Result<void> run();
    void stop() { engine_.stop(); }

    // After run(): what became of the records.
    const std::vector<exporters::SinkStop>& outcome() const { return outcome_; }
    std::uint64_t records() const { return records_.load(); }

    // Any time, from any thread.
    const model::TrafficCounters& traffic() const { return services_.traffic; }
    const base::MemoryBudget& memory() const { return services_.memory; }
    const attribution::PodTable& pods() const { return pods_; }

 private:
    const std::optional<attribution::kubernetes::PodSourceOptions> pod_options_;
    attribution::PodTable pods_;
    attribution::LateNames late_names_;
    attribution::Bundles bundles_;
    attribution::ProcessTable processes_;
    policy::Gate gate_;
    exporters::FanOut fan_out_;
    std::atomic<std::uint64_t> records_{0};
    pipeline::LateIdentity late_;
    model::LossCounters& losses_;
    std::unique_ptr<blind::BlindTable> blind_;
    pipeline::Services services_;
    pipeline::Engine engine_;
    std::vector<exporters::SinkStop> outcome_;
};

// What records say in `node`.
std::string node_name(const Config& config);

// "12 records of 34567 bytes in 89 chunks; lost: nothing".
std::string describe_outcome(const Agent& agent, const model::LossCounters& losses);

// After run(): the error of a sink that ended with one, or that was left with records.
base::Result<void> check_outcome(const Agent& agent);

// "ring_full 12, stream_gap 3", or "nothing".
std::string describe_losses(const model::LossCounters& losses);

}  // namespace llmsnoop::app
