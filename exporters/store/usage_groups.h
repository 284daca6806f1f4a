#pragma once
// Puts exchanges together by their dimensions, row by row as a data base delivers them.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "exporters/store/quantiles.h"
#include "exporters/store/usage_query.h"

namespace llmsnoop::exporters::store {

// What of an exchange counts.
struct Measures {
    bool failed = false;
    std::optional<std::uint64_t> input, output, cache_read, cache_write, reasoning;
    bool estimated = false;
    std::optional<double> cost_usd, duration_ms, ttft_ms;
};

class UsageGroups {
 public:
    explicit UsageGroups(std::size_t most_groups) : most_groups_(most_groups) {}

    // False, if that would be a group too many.
    bool add(const std::vector<std::optional<std::string>>& group, const Measures& measures);

    // Ordered and cut as the query says. Once.
    UsageReport report(const UsageQuery& query);

 private:
    struct Group {
        std::vector<std::optional<std::string>> values;
        UsageValues sums;
        Quantiles duration;
        Quantiles ttft;
    };

    std::size_t most_groups_;
    std::unordered_map<std::string, Group> groups_;
    std::string key_;
};

// Sorts and cuts rows as the query says: also for those that a server has put together.
void order_and_cut(std::vector<UsageRow>& rows, const UsageQuery& query);

// What both back ends have in common of a report.
UsageReport empty_report(const UsageQuery& query);

}  // namespace llmsnoop::exporters::store
