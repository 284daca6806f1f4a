#include "exporters/api/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "exporters/api/own_stack.h"
#include "exporters/store/time_text.h"

namespace llmsnoop::exporters::api {

namespace {

constexpr std::size_t kUsageRows = 1000;
constexpr std::size_t kMostUsageRows = 10'000;
constexpr std::size_t kMostGroups = 50'000;  // of a query; a request's memory
constexpr std::size_t kPage = 100;
constexpr std::size_t kLongestPage = 1000;

base::Error wrong(std::string message) {
    return base::error(std::move(message), base::Error::Kind::usage);
}

}  // namespace

base::Result<Parameters> Parameters::of(List list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto same = [&](const auto& other) { return other.first == list[i].first; };
        if (std::any_of(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), same))
            return wrong("'" + list[i].first + "' stands there twice");
        if (list[i].second.size() > kLongest)
            return wrong(fmt::format("'{}' is longer than {} bytes", list[i].first, kLongest));
    }
    Parameters out;
    out.list_ = std::move(list);
    return out;
}

std::optional<std::string> Parameters::take(std::string_view name) {
    const auto at = std::find_if(list_.begin(), list_.end(), [&](const auto& one) { return one.first == name; });
    if (at == list_.end()) return std::nullopt;
    std::string value = std::move(at->second);
    list_.erase(at);
    return value;
}

base::Result<std::optional<base::Time>> Parameters::take_time(std::string_view name, base::Time now) {
    const auto text = take(name);
    if (!text) return std::optional<base::Time>();
    const auto time = store::parse_when(*text, now);
    if (!time) return wrong(std::string(name) + ": " + time.error().message);
    return std::optional(*time);
}

base::Result<Filter> Parameters::take_filter() {
    const std::string text = take("filter").value_or("");
    return on_own_stack([&text] { return Filter::parse(text); });
}

base::Result<std::size_t> Parameters::take_limit(std::size_t otherwise, std::size_t most) {
    const auto text = take("limit");
    if (!text) return otherwise;
    std::size_t value = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (problem != std::errc() || end != text->data() + text->size() || value < 1 || value > most)
        return wrong("limit: a number from 1 to " + std::to_string(most) + " is wanted");
    return value;
}

base::Result<void> Parameters::nothing_left() const {
    if (list_.empty()) return {};
    return wrong("'" + list_.front().first + "' is no parameter of this path");
}

namespace {

// Which exchanges: `since`, `until` and `filter`.
template <typename Query>
base::Result<void> take_which(Parameters& parameters, Query& query, base::Time now) {
    const auto since = parameters.take_time("since", now);
    if (!since) return since.error();
    query.since = *since;
    const auto until = parameters.take_time("until", now);
    if (!until) return until.error();
    query.until = *until;
    auto filter = parameters.take_filter();
    if (!filter) return filter.error();
    query.filter = std::move(*filter);
    return {};
}

}  // namespace

base::Result<store::UsageQuery> usage_query_of(Parameters& parameters, base::Time now) {
    store::UsageQuery query;
    query.most_groups = kMostGroups;
    auto dimensions = store::parse_dimensions(parameters.take("by").value_or(""));
    if (!dimensions) return wrong("by: " + dimensions.error().message);
    query.dimensions = std::move(*dimensions);
    if (auto taken = take_which(parameters, query, now); !taken) return taken.error();
    if (const auto text = parameters.take("order")) {
        const auto order = store::parse_order(*text);
        if (!order) return wrong("order: " + order.error().message);
        query.order = *order;
    }
    const auto limit = parameters.take_limit(kUsageRows, kMostUsageRows);
    if (!limit) return limit.error();
    query.limit = *limit;
    if (auto left = parameters.nothing_left(); !left) return left.error();
    return query;
}

base::Result<store::ExchangeQuery> exchange_query_of(Parameters& parameters, base::Time now) {
    store::ExchangeQuery query;
    if (auto taken = take_which(parameters, query, now); !taken) return taken.error();
    query.cursor = parameters.take("cursor").value_or("");
    const auto limit = parameters.take_limit(kPage, kLongestPage);
    if (!limit) return limit.error();
    query.limit = *limit;
    if (auto left = parameters.nothing_left(); !left) return left.error();
    return query;
}

}  // namespace llmsnoop::exporters::api
