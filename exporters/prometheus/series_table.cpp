#include "exporters/prometheus/series_table.h"

namespace llmsnoop::exporters {

namespace {

constexpr std::size_t kRole = kIdentityLabels.size() - 1;
static_assert(kIdentityLabels[kRole] == "role");

// Whether the wire sets the label: the names of Kubernetes and of the machine have bounds of their own.
constexpr bool is_from_outside(std::size_t label) {
    return kIdentityLabels[label] == "provider" || kIdentityLabels[label] == "model" ||
           kIdentityLabels[label] == "operation";
}

// The policy gate lets no control characters out, so values cannot run into each other.
void join(std::string& key, const IdentityValues& values) {
    key.clear();
    for (const std::string_view value : values)
        key.append(value).push_back('\x1f');
}

}  // namespace

SeriesTable::SeriesTable(const LabelLimits& limits, model::LossCounters& losses)
    : identity_limits_{LabelLimit(limits.namespaces), LabelLimit(limits.pods),       LabelLimit(limits.containers),
                       LabelLimit(limits.workloads),  LabelLimit(limits.processes),  LabelLimit(limits.providers),
                       LabelLimit(limits.models),     LabelLimit(limits.operations), LabelLimit(2)},
      error_types_(limits.error_types),
      rules_(limits.rules),
      limits_(limits),
      losses_(losses) {}

Series& SeriesTable::at(const IdentityValues& values, base::Time now) {
    join(key_, values);
    const auto known = series_.find(std::string_view(key_));
    Entry& entry = known != series_.end() ? *known->second : make(values);
    entry.used = now;
    return entry.series;
}

std::string_view SeriesTable::fold(const LabelLimit& limit, std::string_view value) {
    if (limit.admits(value)) return value;
    count_fold();
    return kOther;
}

void SeriesTable::count_fold() {
    losses_.add(model::Loss::label_limit);
    crowded_ = true;
}

SeriesTable::Entry& SeriesTable::make(const IdentityValues& values) {
    IdentityValues folded;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const bool is_too_long = is_from_outside(i) && values[i].size() > limits_.value_bytes;
        if (is_too_long) losses_.add(model::Loss::label_limit);
        folded[i] = is_too_long ? kOther : fold(identity_limits_[i], values[i]);
    }
    join(key_, folded);
    auto known = series_.find(std::string_view(key_));
    if (known == series_.end() && series_.size() >= limits_.series) {
        count_fold();
        for (std::size_t i = 0; i < kRole; ++i)
            folded[i] = kOther;
        join(key_, folded);
        known = series_.find(std::string_view(key_));
    }
    if (known != series_.end()) return *known->second;

    for (std::size_t i = 0; i < folded.size(); ++i)
        identity_limits_[i].acquire(folded[i]);
    std::unique_ptr<Entry> entry(new Entry{Series(folded), {}});
    return *series_.emplace(key_, std::move(entry)).first->second;
}

void SeriesTable::add_request(Series& series, std::string_view status, std::string_view error_type) {
    error_type = fold(error_types_, error_type);
    if (request_samples_ >= limits_.request_samples && !series.has_request(status, error_type)) {
        count_fold();
        error_type = kOther;
        status = kOther;
    }
    if (!series.add_request(status, error_type)) return;
    error_types_.acquire(error_type);
    ++request_samples_;
}

void SeriesTable::add_finding(Series& series, std::string_view rule, std::uint32_t count) {
    rule = fold(rules_, rule);
    if (series.add_finding(rule, count)) rules_.acquire(rule);
}

void SeriesTable::give_back(const Series& series) {
    for (std::size_t i = 0; i < series.values().size(); ++i)
        identity_limits_[i].release(series.values()[i]);
    request_samples_ -= series.request_samples();
    for (const std::string_view type : series.error_types())
        error_types_.release(type);
    for (const std::string_view rule : series.rules())
        rules_.release(rule);
}

void SeriesTable::expire(IsOld is_old) {
    for (auto at = series_.begin(); at != series_.end();) {
        const Entry& entry = *at->second;
        if (entry.series.has_requests_in_flight() || !is_old(entry.series, entry.used)) {
            ++at;
            continue;
        }
        give_back(entry.series);
        at = series_.erase(at);
    }
}

void SeriesTable::collect(FamilySet& families) const {
    for (const auto& [key, entry] : series_)
        entry->series.collect(families);
}

}  // namespace llmsnoop::exporters
