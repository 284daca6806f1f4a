#pragma once
// Metric families about the agent itself, made anew for every collection.
#include <prometheus/metric_family.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/model/loss.h"
#include "agent/model/traffic.h"
#include "agent/model/unpriced.h"
#include "exporters/fan_out.h"
#include "exporters/web/refusals.h"

namespace llmsnoop::exporters {

// llmsnoop_lost_total{stage,reason}: every loss that has a name, those that never happened included.
::prometheus::MetricFamily loss_family(const model::LossCounters& losses);

// llmsnoop_captured_bytes_total{direction} and llmsnoop_captured_chunks_total{direction}.
void add_traffic_families(std::vector<::prometheus::MetricFamily>& families, const model::TrafficCounters& traffic);

// llmsnoop_unpriced_total{reason}: those that never happened included.
::prometheus::MetricFamily unpriced_family(const model::UnpricedCounters& unpriced);

::prometheus::MetricFamily blind_process_family(const std::map<std::string, double>& by_reason);
// llmsnoop_http_refused_total{server,reason}: those that never happened included.
using RefusalsByServer = std::map<std::string, std::shared_ptr<const RefusalCounters>>;
::prometheus::MetricFamily refusal_family(const RefusalsByServer& by_server);
::prometheus::MetricFamily budget_family(const std::map<std::string, double>& by_budget);
::prometheus::MetricFamily build_info_family(const std::map<std::string, std::string>& labels);

// llmsnoop_sink_queue_items, llmsnoop_sink_dropped_total, llmsnoop_sink_written_total, llmsnoop_sink_failed_total, by
// `sink`.
void add_sink_families(std::vector<::prometheus::MetricFamily>& families, const std::vector<SinkCounters>& sinks);

// process_cpu_seconds_total, process_resident_memory_bytes, ... of this process, as Prometheus' client libraries name
// them. What /proc does not tell is absent.
void add_process_families(std::vector<::prometheus::MetricFamily>& families);

}  // namespace llmsnoop::exporters
