#include "exporters/store/usage_query.h"

#include <algorithm>
#include <array>
#include <utility>

namespace llmsnoop::exporters::store {

namespace {

using Kind = Dimension::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 20> kDimensions{{
    {"namespace", Kind::namespace_name},
    {"pod", Kind::pod},
    {"container", Kind::container},
    {"workload", Kind::workload},
    {"node", Kind::node},
    {"process", Kind::process},
    {"user", Kind::user},
    {"model", Kind::model},
    {"provider", Kind::provider},
    {"operation", Kind::operation},
    {"hour", Kind::hour},
    {"day", Kind::day},
    {"role", Kind::role},
    {"status", Kind::status},
    {"error_type", Kind::error_type},
    {"completeness", Kind::completeness},
    {"pod_uid", Kind::pod_uid},
    {"workload_kind", Kind::workload_kind},
    {"pid", Kind::pid},
    {"exe", Kind::exe},
}};

constexpr std::array<std::pair<std::string_view, UsageOrder>, 6> kOrders{{{"tokens", UsageOrder::tokens},
                                                                          {"requests", UsageOrder::requests},
                                                                          {"errors", UsageOrder::errors},
                                                                          {"cost", UsageOrder::cost},
                                                                          {"latency", UsageOrder::latency},
                                                                          {"name", UsageOrder::name}}};
constexpr std::string_view kLabel = "label:";
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kLongestLabel = 317;  // of Kubernetes: a prefix of 253, a slash, a name of 63

base::Error wrong(std::string message) {
    return base::error(std::move(message), base::Error::Kind::usage);
}

base::Result<Dimension> parse_dimension(std::string_view word) {
    if (word.starts_with(kLabel) && word.size() > kLabel.size() && word.size() <= kLabel.size() + kLongestLabel)
        return Dimension{Kind::label, std::string(word.substr(kLabel.size()))};
    for (const auto& [name, kind] : kDimensions) {
        if (name == word) return Dimension{kind};
    }
    return wrong("'" + std::string(word) + "' is no dimension: want " + dimension_names());
}

}  // namespace

std::string Dimension::name() const {
    if (kind == Kind::label) return std::string(kLabel) + label;
    const auto at =
        std::find_if(kDimensions.begin(), kDimensions.end(), [&](const auto& one) { return one.second == kind; });
    return std::string(at->first);
}

std::string dimension_names() {
    std::string out;
    for (const auto& [name, kind] : kDimensions)
        out += std::string(name) + ", ";
    return out + "label:NAME";
}

base::Result<std::vector<Dimension>> parse_dimensions(std::string_view text) {
    std::vector<Dimension> out;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        auto dimension = parse_dimension(text.substr(0, comma));
        if (!dimension) return dimension.error();
        if (std::find(out.begin(), out.end(), *dimension) != out.end())
            return wrong("'" + dimension->name() + "' stands there twice");
        out.push_back(std::move(*dimension));
        if (out.size() > kMostDimensions) return wrong("at most 8 dimensions are wanted");
        if (comma + 1 == text.size()) return wrong("a dimension is wanted after the last comma");
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return out;
}

base::Result<UsageOrder> parse_order(std::string_view text) {
    std::string names;
    for (const auto& [name, order] : kOrders) {
        if (name == text) return order;
        names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return wrong("'" + std::string(text) + "' is no order: want one of " + names);
}

}  // namespace llmsnoop::exporters::store
