#include "exporters/prometheus/series.h"

#include <cmath>

#include "exporters/record_timing.h"

namespace llmsnoop::exporters {

namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricType;

// Bounds that OpenTelemetry's GenAI conventions name for gen_ai.client.operation.duration,
// gen_ai.server.time_to_first_token and gen_ai.server.time_per_output_token (v1.41.1).
const ::prometheus::Histogram::BucketBoundaries& duration_bounds() {
    static const ::prometheus::Histogram::BucketBoundaries kBounds{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                                                   1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
    return kBounds;
}

const ::prometheus::Histogram::BucketBoundaries& first_token_bounds() {
    static const ::prometheus::Histogram::BucketBoundaries kBounds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                                                   0.25,  0.5,   0.75, 1.0,  2.5,  5.0,  7.5,  10.0};
    return kBounds;
}

const ::prometheus::Histogram::BucketBoundaries& per_token_bounds() {
    static const ::prometheus::Histogram::BucketBoundaries kBounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,
                                                                   0.3,  0.4,   0.5,  0.75,  1.0, 2.5};
    return kBounds;
}

static_assert(static_cast<std::size_t>(model::UsageSource::estimated) + 1 == kUsageSources);
static_assert(static_cast<std::size_t>(model::Completeness::interrupted) + 1 == kCompletenessValues);

constexpr std::array<std::string_view, kTokenTypes> kTokenTypeNames{"input", "output", "cache_read", "cache_write",
                                                                    "reasoning"};

double seconds(base::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void observe(std::optional<::prometheus::Histogram>& histogram, const ::prometheus::Histogram::BucketBoundaries& bounds,
             std::optional<base::Duration> duration) {
    if (!duration) return;
    if (!histogram) histogram.emplace(bounds);
    histogram->Observe(seconds(*duration));
}

template <typename Metric>
Metric& made(std::optional<Metric>& metric) {
    return metric ? *metric : metric.emplace();
}

// `container` outside Kubernetes: its name, or as much of its id as people use.
std::string_view container_of(const model::Identity& identity) {
    constexpr std::size_t kShortId = 12;
    if (identity.pod) return identity.pod->container;
    if (!identity.container) return {};
    if (!identity.container->name.empty()) return identity.container->name;
    return std::string_view(identity.container->id).substr(0, kShortId);
}

std::string_view process_of(const model::Process& process) {
    if (!process.comm.empty()) return process.comm;
    return std::string_view(process.exe).substr(process.exe.rfind('/') + 1);
}

// `workload` outside Kubernetes: the systemd service.
std::string_view workload_of(const model::Identity& identity) {
    return identity.pod ? std::string_view(identity.pod->workload_name) : std::string_view(identity.systemd_unit);
}

}  // namespace

IdentityValues identity_of(const model::Identity& identity, const model::LlmCall& call, model::Role role) {
    static const model::Pod kNoPod;
    const model::Pod& pod = identity.pod ? *identity.pod : kNoPod;
    return {pod.namespace_name,
            pod.name,
            container_of(identity),
            workload_of(identity),
            process_of(identity.process),
            call.provider,
            call.response_model.empty() ? call.request_model : call.response_model,
            call.operation,
            model::name_of(role)};
}

FamilySet series_families() {
    return {{
        {"llmsnoop_tokens_total", "Tokens, by type and by where the count comes from.", MetricType::Counter, {}},
        {"llmsnoop_requests_total",
         "Requests that ended, by HTTP status or `interrupted`, and by the provider's type of error.",
         MetricType::Counter,
         {}},
        {"llmsnoop_cost_usd_total", "Cost in US dollars.", MetricType::Counter, {}},
        {"llmsnoop_request_duration_seconds",
         "First byte of the request to last byte of the response.",
         MetricType::Histogram,
         {}},
        {"llmsnoop_time_to_first_token_seconds",
         "First byte of the request to the first event with content; streams only.",
         MetricType::Histogram,
         {}},
        {"llmsnoop_time_per_output_token_seconds",
         "(duration - time to first token) / (output tokens - 1); streams only.",
         MetricType::Histogram,
         {}},
        {"llmsnoop_requests_in_flight", "Requests that have begun and not ended.", MetricType::Gauge, {}},
        {"llmsnoop_findings_total", "What the policy noticed, by rule.", MetricType::Counter, {}},
        {"llmsnoop_exchanges_total",
         "Exchanges that were recorded, by how far the record can be trusted.",
         MetricType::Counter,
         {}},
    }};
}

Series::Series(const IdentityValues& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
        values_[i] = values[i];
}

void Series::add(const model::Exchange& exchange) {
    const model::Usage& usage = exchange.usage;
    const std::array<model::Count, kTokenTypes> counts{usage.input, usage.output, usage.cache_read, usage.cache_write,
                                                       usage.reasoning};
    const auto source = static_cast<std::size_t>(usage.source);
    for (std::size_t type = 0; type < kTokenTypes; ++type) {
        if (counts[type]) made(tokens_[type * kUsageSources + source]).Increment(static_cast<double>(*counts[type]));
    }
    // A counter must not fall, whatever a provider or a price table says.
    if (exchange.cost && std::isfinite(exchange.cost->usd) && exchange.cost->usd >= 0) {
        made(cost_).Increment(exchange.cost->usd);
    }
    observe(duration_, duration_bounds(), duration_of(exchange));
    observe(time_to_first_token_, first_token_bounds(), exporters::time_to_first_token(exchange));
    observe(time_per_output_token_, per_token_bounds(), exporters::time_per_output_token(exchange));
    made(exchanges_[static_cast<std::size_t>(exchange.completeness)]).Increment();
}

bool Series::add_request(std::string_view status, std::string_view error_type) {
    const auto [at, is_new] = requests_.try_emplace({std::string(status), std::string(error_type)});
    at->second.Increment();
    return is_new;
}

bool Series::add_finding(std::string_view rule, std::uint32_t count) {
    const auto [at, is_new] = findings_.try_emplace(std::string(rule));
    at->second.Increment(count);
    return is_new;
}

bool Series::has_request(std::string_view status, std::string_view error_type) const {
    return requests_.contains({std::string(status), std::string(error_type)});
}

void Series::begin_request() {
    made(in_flight_).Increment();
}

void Series::end_request() {
    if (has_requests_in_flight()) in_flight_->Decrement();
}

std::vector<std::string_view> Series::error_types() const {
    std::vector<std::string_view> all;
    for (const auto& [key, counter] : requests_)
        all.push_back(key.second);
    return all;
}

std::vector<std::string_view> Series::rules() const {
    std::vector<std::string_view> all;
    for (const auto& [rule, counter] : findings_)
        all.push_back(rule);
    return all;
}

void Series::collect(FamilySet& families) const {
    std::vector<ClientMetric::Label> identity;
    for (std::size_t i = 0; i < values_.size(); ++i)
        identity.push_back({std::string(kIdentityLabels[i]), values_[i]});

    using Extra = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    const auto add = [&](SeriesFamily family, const auto& metric, Extra extra) {
        ClientMetric sample = metric.Collect();
        sample.label = identity;
        for (const auto& [name, value] : extra)
            sample.label.push_back({std::string(name), std::string(value)});
        families[static_cast<std::size_t>(family)].metric.push_back(std::move(sample));
    };
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (!tokens_[i]) continue;
        const auto source = static_cast<model::UsageSource>(i % kUsageSources);
        add(SeriesFamily::tokens, *tokens_[i],
            {{"type", kTokenTypeNames[i / kUsageSources]}, {"source", model::name_of(source)}});
    }
    for (const auto& [key, counter] : requests_) {
        add(SeriesFamily::requests, counter, {{"status", key.first}, {"error_type", key.second}});
    }
    if (cost_) add(SeriesFamily::cost, *cost_, {});
    if (duration_) add(SeriesFamily::duration, *duration_, {});
    if (time_to_first_token_) add(SeriesFamily::time_to_first_token, *time_to_first_token_, {});
    if (time_per_output_token_) add(SeriesFamily::time_per_output_token, *time_per_output_token_, {});
    if (in_flight_) add(SeriesFamily::in_flight, *in_flight_, {});
    for (const auto& [rule, counter] : findings_)
        add(SeriesFamily::findings, counter, {{"rule", rule}});
    for (std::size_t i = 0; i < exchanges_.size(); ++i) {
        if (!exchanges_[i]) continue;
        add(SeriesFamily::exchanges, *exchanges_[i],
            {{"completeness", model::name_of(static_cast<model::Completeness>(i))}});
    }
}

}  // namespace llmsnoop::exporters
