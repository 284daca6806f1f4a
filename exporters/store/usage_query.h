#pragma once
// What one asks of the store about usage, and what comes back: the same for SQLite, ClickHouse and a remote agent.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/filter/filter.h"

namespace llmsnoop::exporters::store {

// By what exchanges are put together. A value may be unknown.
struct Dimension {
    enum class Kind : std::uint8_t {
        namespace_name,
        pod,
        pod_uid,
        container,  // as the metrics' label: its name in the pod, its own name, or the beginning of its id
        workload,   // the name, as the metrics' label
        workload_kind,
        node,
        process,  // the name, or where that is unknown the executable's
        pid,
        exe,
        user,  // the number: the name is the host's, and a container has its own
        provider,
        model,  // the one that answered, else the one that was asked for
        operation,
        role,
        status,
        error_type,
        completeness,
        hour,  // in UTC: 2026-11-20T10:00:00Z
        day,   // 2026-11-20
        label  // k8s.labels
    };
    Kind kind = Kind::model;
    std::string label = {};  // whose name it is, of a label

    std::string name() const;  // "pod", "label:team"
    friend bool operator==(const Dimension&, const Dimension&) = default;
};

// "namespace,pod,label:team". An error (kind usage) lists what there is.
base::Result<std::vector<Dimension>> parse_dimensions(std::string_view text);
std::string dimension_names();  // for help texts

enum class UsageOrder : std::uint8_t {
    tokens,  // input and output together, most first; what is known of them
    requests,
    errors,
    cost,
    latency,  // the 95th percentile
    name      // by the dimensions, ascending: for hours and days
};
base::Result<UsageOrder> parse_order(std::string_view text);

struct UsageQuery {
    std::vector<Dimension> dimensions;
    std::optional<base::Time> since;  // of the request's start; inclusive
    std::optional<base::Time> until;  // exclusive
    Filter filter;
    std::optional<UsageOrder> order;     // absent: by name if an hour or day leads, else tokens
    std::size_t limit = 0;               // rows; 0: all
    std::size_t most_groups = 200'000;   // more are an error: memory
    std::optional<base::Duration> time;  // the query may take
};

// A sum of counts that may be unknown: what is known of it, and of how many exchanges it is not.
struct Sum {
    std::uint64_t sum = 0;
    std::uint64_t known = 0;
    std::uint64_t unknown = 0;
};

struct Distribution {
    std::uint64_t count = 0;
    double average = 0;
    double p50 = 0;  // nearest rank
    double p95 = 0;
    double p99 = 0;
};

struct UsageValues {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;  // with llm.error
    Sum input, output, cache_read, cache_write, reasoning;
    std::uint64_t estimated = 0;     // exchanges of which a count was estimated
    std::optional<double> cost_usd;  // absent: no exchange has one
    std::uint64_t unpriced = 0;      // exchanges that used tokens and have no cost
    Distribution duration_ms, ttft_ms;
};

struct UsageRow {
    std::vector<std::optional<std::string>> group;  // one for each dimension
    UsageValues values;
};

struct UsageReport {
    std::vector<std::string> dimensions;
    std::optional<base::Time> since, until;
    std::vector<UsageRow> rows;
    UsageValues total;       // of all rows, those beyond the limit included
    std::size_t groups = 0;  // before the limit
};

}  // namespace llmsnoop::exporters::store
