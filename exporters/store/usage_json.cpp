// Reports as JSON, and back.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "exporters/json_writer.h"
#include "exporters/store/time_text.h"
#include "exporters/store/usage_text.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;

struct SumName {
    const char* name;
    Sum UsageValues::*member;
};
constexpr SumName kSums[] = {{"input_tokens", &UsageValues::input},
                             {"output_tokens", &UsageValues::output},
                             {"cache_read_tokens", &UsageValues::cache_read},
                             {"cache_write_tokens", &UsageValues::cache_write},
                             {"reasoning_tokens", &UsageValues::reasoning}};
struct DistributionName {
    const char* name;
    Distribution UsageValues::*member;
};
constexpr DistributionName kDistributions[] = {{"duration_ms", &UsageValues::duration_ms},
                                               {"ttft_ms", &UsageValues::ttft_ms}};

void write_values(JsonWriter& out, const UsageValues& values) {
    out.member("requests", values.requests);
    out.member("errors", values.errors);
    for (const auto& [name, member] : kSums) {
        const Sum& sum = values.*member;
        if (sum.known > 0) out.member(name, sum.sum);
    }
    out.begin_object("unknown");
    for (const auto& [name, member] : kSums)
        out.member(name, (values.*member).unknown);
    out.end_object();
    out.member("estimated", values.estimated);
    if (values.cost_usd) out.member("cost_usd", *values.cost_usd);
    out.member("unpriced", values.unpriced);
    for (const auto& [name, member] : kDistributions) {
        const Distribution& one = values.*member;
        if (one.count == 0) continue;
        out.begin_object(name);
        out.member("count", one.count);
        out.member("average", one.average);
        out.member("p50", one.p50);
        out.member("p95", one.p95);
        out.member("p99", one.p99);
        out.end_object();
    }
}

// Whatever a stranger sends: what does not fit is as if it were not there.
std::uint64_t count_in(const json& object, const char* name) {
    const auto at = object.is_object() ? object.find(name) : object.end();
    return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::optional<double> number_in(const json& object, const char* name) {
    const auto at = object.is_object() ? object.find(name) : object.end();
    return at != object.end() && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

const json& child(const json& object, const char* name) {
    static const json kNothing = json::object();
    const auto at = object.is_object() ? object.find(name) : object.end();
    return at != object.end() && at->is_object() ? *at : kNothing;
}

UsageValues values_in(const json& object) {
    UsageValues out;
    out.requests = count_in(object, "requests");
    out.errors = count_in(object, "errors");
    for (const auto& [name, member] : kSums) {
        Sum& sum = out.*member;
        sum.sum = count_in(object, name);
        sum.unknown = count_in(child(object, "unknown"), name);
        if (object.is_object() && object.contains(name))
            sum.known = std::max<std::uint64_t>(out.requests - std::min(out.requests, sum.unknown), 1);
    }
    out.estimated = count_in(object, "estimated");
    out.cost_usd = number_in(object, "cost_usd");
    out.unpriced = count_in(object, "unpriced");
    for (const auto& [name, member] : kDistributions) {
        const json& from = child(object, name);
        out.*member = {count_in(from, "count"), number_in(from, "average").value_or(0),
                       number_in(from, "p50").value_or(0), number_in(from, "p95").value_or(0),
                       number_in(from, "p99").value_or(0)};
    }
    return out;
}

}  // namespace

std::string usage_json(const UsageReport& report) {
    std::string text;
    JsonWriter out(text);
    out.begin_object();
    out.begin_array("by");
    for (const std::string& dimension : report.dimensions)
        out.string(dimension);
    out.end_array();
    if (report.since) out.member("since", base::rfc3339(*report.since));
    if (report.until) out.member("until", base::rfc3339(*report.until));
    out.member("groups", std::uint64_t{report.groups});
    out.begin_array("rows");
    for (const UsageRow& row : report.rows) {
        out.begin_object();
        out.begin_object("group");
        for (std::size_t i = 0; i < report.dimensions.size(); ++i) {
            if (row.group[i]) out.member(report.dimensions[i], *row.group[i]);
        }
        out.end_object();
        write_values(out, row.values);
        out.end_object();
    }
    out.end_array();
    out.begin_object("total");
    write_values(out, report.total);
    out.end_object();
    out.end_object();
    return text + "\n";
}

base::Result<UsageReport> parse_usage_json(std::string_view text) {
    const base::Error strange = base::error("the answer is no usage report");
    const json all = json::parse(text, nullptr, false);
    if (!all.is_object() || !all.contains("by") || !all["by"].is_array() || !all.contains("rows") ||
        !all["rows"].is_array())
        return strange;
    UsageReport out;
    for (const json& dimension : all["by"]) {
        if (!dimension.is_string()) return strange;
        out.dimensions.push_back(dimension.get<std::string>());
    }
    for (const json& one : all["rows"]) {
        UsageRow row;
        const json& group = child(one, "group");
        for (const std::string& dimension : out.dimensions) {
            const auto at = group.find(dimension);
            row.group.push_back(at != group.end() && at->is_string() ? std::optional(at->get<std::string>())
                                                                     : std::nullopt);
        }
        row.values = values_in(one);
        out.rows.push_back(std::move(row));
    }
    out.total = values_in(child(all, "total"));
    out.groups = count_in(all, "groups");
    if (all.contains("since") && all["since"].is_string()) out.since = parse_rfc3339(all["since"].get<std::string>());
    if (all.contains("until") && all["until"].is_string()) out.until = parse_rfc3339(all["until"].get<std::string>());
    return out;
}

}  // namespace llmsnoop::exporters::store
