#pragma once
// Metric families as OpenMetrics text, version 1.0.0. (prometheus-cpp writes the older Prometheus text format only.)
#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace llmsnoop::exporters {

inline constexpr char kOpenMetricsType[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
inline constexpr char kPrometheusTextType[] = "text/plain; version=0.0.4; charset=utf-8";

// Counters, gauges and histograms; this project has no others.
std::string open_metrics_text(const std::vector<::prometheus::MetricFamily>& families);

// Whether a request with that Accept header (RFC 9110 section 12.5.1) wants OpenMetrics at least as much as the older
// text.
bool prefers_open_metrics(const char* accept);

}  // namespace llmsnoop::exporters
