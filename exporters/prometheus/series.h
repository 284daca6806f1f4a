#pragma once
// Everything that is measured under one set of identity labels, and how it becomes Prometheus samples. Not thread-safe,
// but for what prometheus-cpp's own types promise.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/model/completeness.h"
#include "agent/model/exchange.h"

namespace llmsnoop::exporters {

// The identity labels, in this order (that of LabelLimits too): who calls (or serves), and what is called.
inline constexpr std::array<std::string_view, 9> kIdentityLabels{
    "namespace", "pod", "container", "workload", "process", "provider", "model", "operation", "role"};
using IdentityValues = std::array<std::string_view, kIdentityLabels.size()>;

// Views of `exchange` or `started`. `process` is the name of the thread group's leader, so that a program that is
// started again continues its series; `workload` the name of what the pod belongs to, or outside Kubernetes the systemd
// service; `model` the one that answered, or
// else the one that was asked for.
IdentityValues identity_of(const model::Identity& identity, const model::LlmCall& call, model::Role role);

inline constexpr std::size_t kTokenTypes = 5;  // input, output, cache_read, cache_write, reasoning
inline constexpr std::size_t kUsageSources = 5;
inline constexpr std::size_t kCompletenessValues = 6;

// The families of which a series has samples.
enum class SeriesFamily : std::uint8_t {
    tokens,
    requests,
    cost,
    duration,
    time_to_first_token,
    time_per_output_token,
    in_flight,
    findings,
    exchanges,
};
inline constexpr std::size_t kSeriesFamilies = 9;
using FamilySet = std::array<::prometheus::MetricFamily, kSeriesFamilies>;

// Empty families with name, help and type.
FamilySet series_families();

class Series {
 public:
    explicit Series(const IdentityValues& values);

    // Tokens, cost, times and verdict of one exchange. Counts that are absent add nothing; a count of zero makes the
    // sample.
    void add(const model::Exchange& exchange);
    // Its request, and what was found in it; both under values that were admitted. They say whether the sample is new.
    bool add_request(std::string_view status, std::string_view error_type);
    bool add_finding(std::string_view rule, std::uint32_t count);

    bool has_request(std::string_view status, std::string_view error_type) const;
    std::size_t request_samples() const { return requests_.size(); }

    void begin_request();
    void end_request();
    bool has_requests_in_flight() const { return in_flight_ && in_flight_->Value() > 0; }

    void collect(FamilySet& families) const;

    const std::array<std::string, kIdentityLabels.size()>& values() const { return values_; }
    // The error types and rules of its samples, one for each.
    std::vector<std::string_view> error_types() const;
    std::vector<std::string_view> rules() const;

 private:
    using Counter = ::prometheus::Counter;
    using Gauge = ::prometheus::Gauge;
    using Histogram = ::prometheus::Histogram;

    std::array<std::string, kIdentityLabels.size()> values_;
    std::array<std::optional<Counter>, kTokenTypes * kUsageSources> tokens_;
    std::map<std::pair<std::string, std::string>, Counter> requests_;  // by status and error type
    std::optional<Counter> cost_;
    std::optional<Histogram> duration_;
    std::optional<Histogram> time_to_first_token_;
    std::optional<Histogram> time_per_output_token_;
    std::optional<Gauge> in_flight_;
    std::map<std::string, Counter, std::less<>> findings_;  // by rule
    std::array<std::optional<Counter>, kCompletenessValues> exchanges_;
};

}  // namespace llmsnoop::exporters
