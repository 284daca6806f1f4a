#include "exporters/prometheus/metrics.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "exporters/prometheus/agent_metrics.h"

namespace llmsnoop::exporters {

namespace {

constexpr auto kExpiryInterval = std::chrono::minutes(1);

std::string status_of(const model::Exchange& exchange) {
    if (exchange.completeness == model::Completeness::interrupted) return "interrupted";
    const int status = exchange.http.status.value_or(0);
    // RFC 9110 section 15: three digits. What else somebody sends must not make a label value each.
    return status >= 100 && status <= 599 ? std::to_string(status) : "unknown";
}

std::string_view error_type_of(const model::LlmCall& call) {
    if (!call.error) return {};
    return call.error->type.empty() ? call.error->code : call.error->type;
}

static_assert(kIdentityLabels[0] == "namespace" && kIdentityLabels[1] == "pod");

bool is_of_pod_that_is_gone(const Series& series, const Metrics::PodNames& present) {
    const auto& [namespace_name, pod] = std::tie(series.values()[0], series.values()[1]);
    return !pod.empty() && pod != kOther && !present.contains({namespace_name, pod});
}

}  // namespace

Metrics::Metrics(MetricsOptions options, model::LossCounters& losses)
    : options_(std::move(options)), losses_(losses), table_(options_.limits, losses) {}

void Metrics::started(const model::ExchangeStarted& started) {
    const std::lock_guard lock(mutex_);
    if (in_flight_.size() >= options_.in_flight) return;
    const base::Time now = options_.clock();
    const auto [at, is_new] = in_flight_.try_emplace(started.id);
    if (!is_new) return;
    Series& series = table_.at(identity_of(started.identity, started.llm, started.role), now);
    series.begin_request();
    at->second = {&series, now};
}

void Metrics::exchange(const model::Exchange& exchange) {
    const std::lock_guard lock(mutex_);
    if (const auto begun = in_flight_.find(exchange.id); begun != in_flight_.end()) {
        begun->second.series->end_request();
        in_flight_.erase(begun);
    }
    Series& series = table_.at(identity_of(exchange.identity, exchange.llm, exchange.role), options_.clock());
    series.add(exchange);
    table_.add_request(series, status_of(exchange), error_type_of(exchange.llm));
    for (const model::Finding& finding : exchange.findings)
        table_.add_finding(series, finding.rule, finding.count);
}

void Metrics::expire() {
    const base::Time now = options_.clock();
    std::unique_lock lock(mutex_);
    if (now < next_expiry_) return;
    next_expiry_ = now + kExpiryInterval;
    const auto ask_for_pods = pods_;
    lock.unlock();  // not to hold it while somebody else's lock is waited for
    const auto pods = ask_for_pods ? ask_for_pods() : std::nullopt;
    lock.lock();
    for (auto at = in_flight_.begin(); at != in_flight_.end();) {
        if (now - at->second.since < options_.in_flight_idle) {
            ++at;
            continue;
        }
        at->second.series->end_request();
        at = in_flight_.erase(at);
    }
    const base::Duration needless_idle = std::min(options_.needless_idle, options_.series_idle);
    const base::Duration idle = table_.take_crowded() ? needless_idle : options_.series_idle;
    table_.expire([&](const Series& series, base::Time used) {
        if (now - used > idle) return true;
        return pods && now - used > needless_idle && is_of_pod_that_is_gone(series, *pods);
    });
}

void Metrics::set_blind_processes(std::function<std::map<std::string, double>()> by_reason) {
    const std::lock_guard lock(mutex_);
    blind_processes_ = std::move(by_reason);
}

void Metrics::set_budgets(std::function<std::map<std::string, double>()> used) {
    const std::lock_guard lock(mutex_);
    budgets_ = std::move(used);
}

void Metrics::set_http_refusals(const std::string& server, std::shared_ptr<const RefusalCounters> refusals) {
    const std::lock_guard lock(mutex_);
    refusals_[server] = std::move(refusals);
}

void Metrics::set_pods(std::function<std::optional<PodNames>()> present) {
    const std::lock_guard lock(mutex_);
    pods_ = std::move(present);
}

void Metrics::set_traffic(const model::TrafficCounters* traffic) {
    const std::lock_guard lock(mutex_);
    traffic_ = traffic;
}

void Metrics::set_unpriced(const model::UnpricedCounters* unpriced) {
    const std::lock_guard lock(mutex_);
    unpriced_ = unpriced;
}

void Metrics::set_sink_counters(std::function<std::vector<SinkCounters>()> counters) {
    const std::lock_guard lock(mutex_);
    sink_counters_ = std::move(counters);
}

std::vector<::prometheus::MetricFamily> Metrics::Collect() const {
    std::vector<::prometheus::MetricFamily> all;
    std::function<std::vector<SinkCounters>()> sink_counters;
    {
        const std::lock_guard lock(mutex_);
        FamilySet families = series_families();
        table_.collect(families);
        all.assign(std::make_move_iterator(families.begin()), std::make_move_iterator(families.end()));
        if (blind_processes_) all.push_back(blind_process_family(blind_processes_()));
        all.push_back(refusal_family(refusals_));
        if (budgets_) all.push_back(budget_family(budgets_()));
        if (traffic_ != nullptr) add_traffic_families(all, *traffic_);
        if (unpriced_ != nullptr) all.push_back(unpriced_family(*unpriced_));
        sink_counters = sink_counters_;
    }
    all.push_back(loss_family(losses_));
    if (sink_counters) add_sink_families(all, sink_counters());
    all.push_back(build_info_family(options_.build_info));
    add_process_families(all);
    // A family without samples says nothing, and the text formats have no place for one.
    std::erase_if(all, [](const auto& family) { return family.metric.empty(); });
    return all;
}

}  // namespace llmsnoop::exporters
