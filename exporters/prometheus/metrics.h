#pragma once
// The agent's metrics, collected by prometheus-cpp's types and served by MetricsServer: what exchanges tell (through
// PrometheusSink), and what the agent knows of itself. exporters/README.md lists them.
//
// Thread-safe.
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "agent/model/traffic.h"
#include "agent/model/unpriced.h"
#include "exporters/fan_out.h"
#include "exporters/prometheus/label_limit.h"
#include "exporters/prometheus/series_table.h"
#include "exporters/web/refusals.h"

namespace llmsnoop::exporters {

struct MetricsOptions {
    LabelLimits limits;
    base::Duration series_idle = std::chrono::hours(24);  // a series that was not used for so long is removed
    // The same, if it stands in the way of others or if its pod is gone: some scrapes have seen its end by then.
    base::Duration needless_idle = std::chrono::minutes(15);
    base::Duration in_flight_idle = std::chrono::hours(1);  // a request whose end was not told of counts no longer
    std::size_t in_flight = 65536;                          // requests that are followed
    std::map<std::string, std::string> build_info;          // labels of llmsnoop_build_info: version, ...
    base::Time (*clock)() = &base::now;
};

class Metrics final : public ::prometheus::Collectable {
 public:
    // `losses` becomes llmsnoop_lost_total, and counts label_limit; it must outlive this object.
    Metrics(MetricsOptions options, model::LossCounters& losses);

    void started(const model::ExchangeStarted& started);
    void exchange(const model::Exchange& exchange);

    // Removes series that nobody uses any more. Does little if called more than once a minute.
    void expire();

    // Processes that talk to model APIs but cannot be read, by reason. Asked at every collection, as are the budgets.
    void set_blind_processes(std::function<std::map<std::string, double>()> by_reason);
    // The used part of each budget. Asked at every collection, from the server's threads: must be safe until the server
    // has stopped.
    void set_budgets(std::function<std::map<std::string, double>()> used);
    // Becomes llmsnoop_captured_bytes_total and _chunks_total. Must live until the server has stopped.
    void set_traffic(const model::TrafficCounters* traffic);
    // Becomes llmsnoop_unpriced_total. Must live until the server has stopped.
    void set_unpriced(const model::UnpricedCounters* unpriced);
    // Namespaces and names of the pods that are there, or nothing where nobody tells. Asked now and then by expire().
    using PodNames = std::set<std::pair<std::string, std::string>>;
    void set_pods(std::function<std::optional<PodNames>()> present);
    // Becomes llmsnoop_http_refused_total.
    void set_http_refusals(const std::string& server, std::shared_ptr<const RefusalCounters> refusals);
    // Asked at every collection, from the server's threads: must be safe until the server has stopped.
    void set_sink_counters(std::function<std::vector<SinkCounters>()> counters);

    std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
    struct InFlight {
        Series* series;  // not removed while requests are in flight
        base::Time since;
    };

    const MetricsOptions options_;
    model::LossCounters& losses_;

    mutable std::mutex mutex_;  // guards what follows
    SeriesTable table_;
    std::unordered_map<std::string, InFlight> in_flight_;  // by id
    base::Time next_expiry_;
    std::function<std::map<std::string, double>()> blind_processes_;
    std::function<std::map<std::string, double>()> budgets_;
    std::function<std::optional<PodNames>()> pods_;
    std::map<std::string, std::shared_ptr<const RefusalCounters>> refusals_;
    const model::TrafficCounters* traffic_ = nullptr;
    const model::UnpricedCounters* unpriced_ = nullptr;
    std::function<std::vector<SinkCounters>()> sink_counters_;
};

}  // namespace llmsnoop::exporters
