#pragma once
// The series by their labels, with a bound on everything: values per label, series in all. Not thread-safe.
//
// A value that finds no place becomes `other`; if even the number of series is at its bound, all identity labels but
// `role` do. A series has some sixty samples, which nobody outside can make more: the one family whose labels an answer
// sets, requests by status and error type, has a bound over all series, past which these two become `other`. Each fold
// is counted as Loss::label_limit.
//
// A series that is not used any more is removed and gives its places back; if it comes again it begins at zero, which
// Prometheus takes for a restart of the counter, so rate() and increase() stay right. What has been removed is no
// longer in a sum over the present values.
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "agent/base/clock.h"
#include "agent/base/function_ref.h"
#include "agent/model/loss.h"
#include "exporters/prometheus/label_limit.h"
#include "exporters/prometheus/series.h"

namespace llmsnoop::exporters {

// Values of each label, at most; `role` has two.
struct LabelLimits {
    std::size_t namespaces = 200;
    std::size_t pods = 1000;
    std::size_t containers = 1000;
    std::size_t workloads = 500;
    std::size_t processes = 1000;
    std::size_t providers = 100;
    std::size_t models = 200;
    std::size_t operations = 50;
    std::size_t error_types = 100;
    std::size_t rules = 100;
    std::size_t series = 2000;            // different sets of identity labels
    std::size_t request_samples = 10000;  // of llmsnoop_requests_total; each series may have one more
    std::size_t value_bytes = 128;        // of what comes from the wire; longer values become `other`
};

class SeriesTable {
 public:
    SeriesTable(const LabelLimits& limits, model::LossCounters& losses);

    // The series for these labels, made if need be. Valid until the next `expire`.
    Series& at(const IdentityValues& values, base::Time now);

    void add_request(Series& series, std::string_view status, std::string_view error_type);
    void add_finding(Series& series, std::string_view rule, std::uint32_t count);

    using IsOld = base::FunctionRef<bool(const Series&, base::Time used)>;
    // Removes what is old, save series with requests in flight.
    void expire(IsOld is_old);

    // Whether anything was folded since this was asked last.
    bool take_crowded() { return std::exchange(crowded_, false); }

    void collect(FamilySet& families) const;

 private:
    struct Entry {
        Series series;
        base::Time used;
    };

    Entry& make(const IdentityValues& values);
    void give_back(const Series& series);
    std::string_view fold(const LabelLimit& limit, std::string_view value);
    void count_fold();

    std::array<LabelLimit, kIdentityLabels.size()> identity_limits_;
    LabelLimit error_types_;
    LabelLimit rules_;
    const LabelLimits limits_;
    std::size_t request_samples_ = 0;
    bool crowded_ = false;
    model::LossCounters& losses_;
    std::unordered_map<std::string, std::unique_ptr<Entry>, TextHash, std::equal_to<>> series_;  // by the joined values
    std::string key_;
};

}  // namespace llmsnoop::exporters
