#include "agent/app/agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "agent/app/host_roots.h"
#include "agent/app/kubernetes.h"

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
    if (config.tokens.batch_results == "counted") out.batch_results = llm::Batches::counted;
    if (config.http.body_hashes) out.body_hash = pipeline::BodyHash::sha256;
    out.memory_bytes = config.http.memory_bytes;
    return out;
}

attribution::LateNames::Options late_names_options(const Config& config) {
    attribution::LateNames::Options out;
    out.roots = host_roots(config);
    if (!config.containers.api) return out;
    out.sockets = config.containers.sockets;
    if (out.sockets.empty()) out.sockets = attribution::LateNames::usual_sockets();
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
    : pod_options_(facts == attribution::ProcessTable::Facts::from_events_and_proc ? pod_source_options(config)
                                                                                   : std::nullopt),
      late_names_(late_names_options(config)),
      bundles_(host_roots(config), [this](const auto& names) { return late_names_.find(names); }),
      processes_(facts, losses, facts == attribution::ProcessTable::Facts::from_events_and_proc ? &bundles_ : nullptr),
      gate_(policy_of(config), losses),
      fan_out_(fan_out_options(when_full), losses),
      late_({config.kubernetes.wait}, pods_, losses,
            {[this](model::ExchangeStarted started) { fan_out_.started(gate_.clear(std::move(started))); },
             [this](model::Exchange exchange) {
                 records_.fetch_add(1, std::memory_order_relaxed);
                 fan_out_.exchange(gate_.clear(std::move(exchange)));
             }}),
      losses_(losses),
      services_{settings_of(config),
                source,
                losses,
                processes_,
                {[this](model::ExchangeStarted started) { late_.started(std::move(started)); },
                 [this](model::Exchange exchange) {
                     processes_.complete(exchange.identity);
                     late_.finished(std::move(exchange));
                 },
                 [this] { late_.next_round(); }, [this] { late_.flush(); }},
                {},
                {},
                {},
                &pricing},
      engine_(services_) {}

void Agent::look_for_blind_spots(blind::BlindOptions options) {
    options.look = [&source = services_.source](const model::ProcessKey& process) {
        return source.why_unseen(process);
    };
    options.identity = [this](const model::ProcessKey& process) { return processes_.identity(process); };
    blind_ = std::make_unique<blind::BlindTable>(std::move(options), losses_);
    services_.blind = blind_.get();
}

std::vector<model::BlindProcess> Agent::blind_processes() {
    if (!blind_) return {};
    auto out = blind_->list();
    for (model::BlindProcess& one : out) {
        if (!one.who || !one.who->pod) continue;
        auto named = std::make_shared<model::Identity>(*one.who);
        pods_.complete(*named);
        one.who = std::move(named);
    }
    return out;
}

base::Result<void> Agent::run() {
    std::unique_ptr<attribution::kubernetes::PodSource> pod_source;
    if (pod_options_) {
        auto started = attribution::kubernetes::PodSource::start(*pod_options_, pods_, losses_);
        if (!started) return started.error();
        pod_source = std::move(*started);
    }
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
