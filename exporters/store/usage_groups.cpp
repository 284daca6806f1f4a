#include "exporters/store/usage_groups.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace llmsnoop::exporters::store {

namespace {

// A provider may report anything: a sum does not wrap.
std::uint64_t saturating(std::uint64_t a, std::uint64_t b) {
    return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

void add(Sum& sum, const std::optional<std::uint64_t>& count) {
    if (!count) {
        ++sum.unknown;
        return;
    }
    ++sum.known;
    sum.sum = saturating(sum.sum, *count);
}

void add(Sum& sum, const Sum& other) {
    sum.sum = saturating(sum.sum, other.sum);
    sum.known += other.known;
    sum.unknown += other.unknown;
}

void add(UsageValues& values, const Measures& measures) {
    ++values.requests;
    if (measures.failed) ++values.errors;
    add(values.input, measures.input);
    add(values.output, measures.output);
    add(values.cache_read, measures.cache_read);
    add(values.cache_write, measures.cache_write);
    add(values.reasoning, measures.reasoning);
    if (measures.estimated) ++values.estimated;
    if (measures.cost_usd) {
        values.cost_usd = values.cost_usd.value_or(0) + *measures.cost_usd;
    } else if (measures.input.value_or(0) > 0 || measures.output.value_or(0) > 0) {
        ++values.unpriced;
    }
}

void add(UsageValues& values, const UsageValues& other) {
    values.requests += other.requests;
    values.errors += other.errors;
    add(values.input, other.input);
    add(values.output, other.output);
    add(values.cache_read, other.cache_read);
    add(values.cache_write, other.cache_write);
    add(values.reasoning, other.reasoning);
    values.estimated += other.estimated;
    if (other.cost_usd) values.cost_usd = values.cost_usd.value_or(0) + *other.cost_usd;
    values.unpriced += other.unpriced;
}

UsageOrder order_of(const UsageQuery& query) {
    if (query.order) return *query.order;
    using Kind = Dimension::Kind;
    const bool by_time =
        !query.dimensions.empty() && (query.dimensions[0].kind == Kind::hour || query.dimensions[0].kind == Kind::day);
    return by_time ? UsageOrder::name : UsageOrder::tokens;
}

double rank_of(const UsageValues& values, UsageOrder order) {
    switch (order) {
        case UsageOrder::tokens:
            return static_cast<double>(values.input.sum) + static_cast<double>(values.output.sum);
        case UsageOrder::requests:
            return static_cast<double>(values.requests);
        case UsageOrder::errors:
            return static_cast<double>(values.errors);
        case UsageOrder::cost:
            return values.cost_usd.value_or(-1);
        case UsageOrder::latency:
            return values.duration_ms.count > 0 ? values.duration_ms.p95 : -1;
        case UsageOrder::name:
            return 0;
    }
    return 0;
}

}  // namespace

bool UsageGroups::add(const std::vector<std::optional<std::string>>& group, const Measures& measures) {
    key_.clear();
    for (const auto& value : group) {
        key_ += value ? std::to_string(value->size()) + ":" + *value : "-";
    }
    auto at = groups_.find(key_);
    if (at == groups_.end()) {
        if (groups_.size() >= most_groups_) return false;
        at = groups_.try_emplace(key_).first;
        at->second.values = group;
    }
    Group& one = at->second;
    store::add(one.sums, measures);
    if (measures.duration_ms) one.duration.add(*measures.duration_ms);
    if (measures.ttft_ms) one.ttft.add(*measures.ttft_ms);
    return true;
}

UsageReport UsageGroups::report(const UsageQuery& query) {
    UsageReport out = empty_report(query);
    Quantiles duration;
    Quantiles ttft;
    for (auto& [key, group] : groups_) {
        store::add(out.total, group.sums);
        duration.add(group.duration);
        ttft.add(group.ttft);
        group.sums.duration_ms = group.duration.distribution();
        group.sums.ttft_ms = group.ttft.distribution();
        out.rows.push_back({std::move(group.values), group.sums});
    }
    out.total.duration_ms = duration.distribution();
    out.total.ttft_ms = ttft.distribution();
    out.groups = out.rows.size();
    groups_.clear();
    order_and_cut(out.rows, query);
    return out;
}

void order_and_cut(std::vector<UsageRow>& rows, const UsageQuery& query) {
    const UsageOrder order = order_of(query);
    const auto before = [&](const UsageRow& a, const UsageRow& b) {
        const double ranks[] = {rank_of(a.values, order), rank_of(b.values, order)};
        return ranks[0] != ranks[1] ? ranks[0] > ranks[1] : a.group < b.group;
    };
    const std::size_t kept = query.limit == 0 ? rows.size() : std::min(query.limit, rows.size());
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept), rows.end(), before);
    rows.resize(kept);
}

UsageReport empty_report(const UsageQuery& query) {
    UsageReport out;
    for (const Dimension& dimension : query.dimensions)
        out.dimensions.push_back(dimension.name());
    out.since = query.since;
    out.until = query.until;
    return out;
}

}  // namespace llmsnoop::exporters::store
