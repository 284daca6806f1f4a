#include "agent/app/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace llmsnoop::app {

namespace {

constexpr base::Duration kSinkDeadline = std::chrono::seconds(10);

policy::Policy policy_of(const Config& config) {
    policy::Policy out;
    out.content = config.policy.content == "redacted" ? policy::ContentMode::redacted : policy::ContentMode::none;
    out.hashes = config.policy.hashes;
    return out;
}

pipeline::Settings settings_of(const Config& config) {
    pipeline::Settings out;
    if (!config.tokens.estimate) out.missing_usage = pipeline::MissingUsage::unknown;
    if (config.http.body_hashes) out.body_hash = pipeline::BodyHash::sha256;
    out.memory_bytes = config.http.memory_bytes;
    return out;
}

exporters::FanOutOptions fan_out_options(exporters::FanOutOptions::WhenFull when_full) {
    exporters::FanOutOptions out;
    out.when_full = when_full;
    return out;
}

}  // namespace

Agent::Agent(const Config& config, capture::Source& source, const tokens::Pricing& pricing,
             attribution::ProcessTable::Facts facts, exporters::FanOutOptions::WhenFull when_full,
             model::LossCounters& losses)
    : processes_(facts, losses),
      gate_(policy_of(config), losses),
      fan_out_(fan_out_options(when_full), losses),
      services_{settings_of(config),
                source,
                losses,
                processes_,
                {[this](model::ExchangeStarted started) { fan_out_.started(gate_.clear(std::move(started))); },
                 [this](model::Exchange exchange) {
                     records_.fetch_add(1, std::memory_order_relaxed);
                     fan_out_.exchange(gate_.clear(std::move(exchange)));
                 }},
                {},
                {},
                {},
                &pricing},
      engine_(services_) {}

base::Result<void> Agent::run() {
    fan_out_.start();
    auto result = engine_.run();
    outcome_ = fan_out_.stop(kSinkDeadline);
    return result;
}

std::string node_name(const Config& config) {
    if (!config.node.name.empty()) return config.node.name;
    std::array<char, 256> host{};
    return gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

std::string describe_outcome(const Agent& agent, const model::LossCounters& losses) {
    using model::Traffic;
    const model::TrafficCounters& traffic = agent.traffic();
    return fmt::format("{} records of {} bytes in {} chunks; lost: {}", agent.records(),
                       traffic.get(Traffic::sent_bytes) + traffic.get(Traffic::received_bytes),
                       traffic.get(Traffic::sent_chunks) + traffic.get(Traffic::received_chunks),
                       describe_losses(losses));
}

base::Result<void> check_outcome(const Agent& agent) {
    for (const exporters::SinkStop& one : agent.outcome()) {
        if (one.error) return base::error(one.counters.name + ": " + *one.error);
        if (one.abandoned > 0)
            return base::error(
                fmt::format("{}: {} records were not written in time", one.counters.name, one.abandoned));
    }
    return {};
}

std::string describe_losses(const model::LossCounters& losses) {
    std::string out;
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        const auto loss = static_cast<model::Loss>(i);
        if (losses.get(loss) == 0) continue;
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", model::text_of(loss).name, losses.get(loss));
    }
    return out.empty() ? "nothing" : out;
}

}  // namespace llmsnoop::app
