#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "exporters/store/clickhouse.h"
#include "exporters/store/clickhouse_words.h"
#include "exporters/store/usage_groups.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;
using Kind = Dimension::Kind;

constexpr const char* kSettings = "&output_format_json_quote_64bit_integers=1&readonly=1";

// A text, or NULL.
std::string expression_of(const Dimension& dimension) {
    switch (dimension.kind) {
        case Kind::namespace_name:
            return "namespace";
        case Kind::container:
            return "coalesce(k8s_container, container_name, substring(container_id, 1, 12))";
        case Kind::process:
            return "coalesce(comm, replaceRegexpOne(exe, '^.*/', ''))";
        case Kind::user:
            return "toString(uid)";
        case Kind::pid:
            return "toString(pid)";
        case Kind::status:
            return "toString(http_status)";
        case Kind::model:
            return "ifNull(response_model, request_model)";
        case Kind::hour:
            return "concat(replaceOne(toString(toStartOfHour(toDateTime(intDiv(time_ns, 1000000000), 'UTC'))), ' ', "
                   "'T'), 'Z')";
        case Kind::day:
            return "toString(toDate(toDateTime(intDiv(time_ns, 1000000000), 'UTC')))";
        case Kind::label:
            return clickhouse_label(dimension.label);
        default:
            return dimension.name();
    }
}

std::string sum_of(const char* column) {
    const std::string name = column;
    return ", toString(ifNull(sum(" + name + "), toUInt64(0))), toString(countIf(isNotNull(" + name + ")))";
}

// Nearest ranks, of an array without NULLs.
std::string distribution_of(const std::string& column) {
    const std::string all = "arraySort(groupArrayIf(assumeNotNull(" + column + "), isNotNull(" + column + ")))";
    std::string out = ", toString(countIf(isNotNull(" + column + "))), ifNull(avg(" + column + "), 0.)";
    for (const char* percent : {"50", "95", "99"}) {
        out += ", arrayElement(" + all + ", toInt64(greatest(intDiv(countIf(isNotNull(" + column + ")) * " + percent +
               " + 99, 100), 1)))";
    }
    return out;
}

std::string values_of() {
    return "toString(count()), toString(countIf(isNotNull(failed)))" + sum_of("input_tokens") +
           sum_of("output_tokens") + sum_of("cache_read_tokens") + sum_of("cache_write_tokens") +
           sum_of("reasoning_tokens") +
           ", toString(countIf(ifNull(usage_source, '') IN ('estimated', 'partial')))"
           ", toString(countIf(isNotNull(cost_usd))), ifNull(sum(cost_usd), 0.)"
           ", toString(countIf(isNull(cost_usd) AND (ifNull(input_tokens, toUInt64(0)) > 0 OR "
           "ifNull(output_tokens, toUInt64(0)) > 0)))" +
           distribution_of("duration_ms") + distribution_of("ttft_ms");
}

std::string range_of(const std::optional<base::Time>& since, const std::optional<base::Time>& until) {
    std::string out;
    if (since) out += " AND time_ns >= " + std::to_string(base::unix_ns(*since));
    if (until) out += " AND time_ns < " + std::to_string(base::unix_ns(*until));
    return out;
}

std::string settings_of(const std::optional<base::Duration>& time) {
    std::string out = kSettings;
    if (time)
        out += "&max_execution_time=" + std::to_string(std::max<std::int64_t>(
                                            1, std::chrono::duration_cast<std::chrono::seconds>(*time).count()));
    return out;
}

// The cells of a row, one after the other. What is not as it should be is nothing.
class Cells {
 public:
    explicit Cells(const json& row) : row_(row) {}

    std::optional<std::string> text() {
        const json* cell = next();
        return cell != nullptr && cell->is_string() ? std::optional(cell->get<std::string>()) : std::nullopt;
    }
    std::uint64_t count() { return std::strtoull(text().value_or("0").c_str(), nullptr, 10); }
    double real() {
        const json* cell = next();
        return cell != nullptr && cell->is_number() ? cell->get<double>() : 0;
    }

 private:
    const json* next() { return at_ < row_.size() ? &row_[at_++] : nullptr; }

    const json& row_;
    std::size_t at_ = 0;
};

UsageValues values_in(Cells& cells) {
    UsageValues out;
    out.requests = cells.count();
    out.errors = cells.count();
    for (Sum* sum : {&out.input, &out.output, &out.cache_read, &out.cache_write, &out.reasoning}) {
        sum->sum = cells.count();
        sum->known = cells.count();
        sum->unknown = out.requests - std::min(out.requests, sum->known);
    }
    out.estimated = cells.count();
    const std::uint64_t priced = cells.count();
    const double cost = cells.real();
    if (priced > 0) out.cost_usd = cost;
    out.unpriced = cells.count();
    for (Distribution* one : {&out.duration_ms, &out.ttft_ms}) {
        one->count = cells.count();
        one->average = cells.real();
        one->p50 = cells.real();
        one->p95 = cells.real();
        one->p99 = cells.real();
    }
    return out;
}

base::Result<json> rows_of(const ClickhouseClient& client, const std::string& sql,
                           const std::optional<base::Duration>& time) {
    const auto text = client.run(sql + " FORMAT JSONCompact", settings_of(time));
    if (!text) return text.error();
    json all = json::parse(*text, nullptr, false);
    if (!all.is_object() || !all.contains("data") || !all["data"].is_array())
        return base::error("ClickHouse: a strange answer");
    for (const json& row : all["data"]) {
        if (!row.is_array()) return base::error("ClickHouse: a strange answer");
    }
    return std::move(all["data"]);
}

}  // namespace

base::Result<std::unique_ptr<ClickhouseReader>> ClickhouseReader::create(const ClickhouseOptions& options) {
    auto client = ClickhouseClient::create(options);
    if (!client) return client.error();
    return std::unique_ptr<ClickhouseReader>(new ClickhouseReader(std::move(*client)));
}

base::Result<UsageReport> ClickhouseReader::usage(const UsageQuery& query) {
    ClickhouseWords words;
    const auto matches = sql_of(query.filter, words);
    if (!matches) return matches.error();
    // Without FINAL within: an exchange that was sent twice is in a set once, and all of them would be put together for
    // it. Only those that somebody names are looked up, since a set of all ids takes most of the time.
    const std::string from =
        " FROM exchange FINAL WHERE " + *matches + range_of(query.since, query.until) +
        " AND NOT (ifNull(role, '') = 'server' AND (ifNull(pair, '') IN (SELECT id FROM exchange WHERE "
        "ifNull(role, '') = 'client' AND id IN (SELECT ifNull(pair, '') FROM exchange WHERE ifNull(role, '') = "
        "'server') "
        "AND " +
        *matches +
        ") OR id IN (SELECT ifNull(pair, '') FROM exchange WHERE ifNull(role, '') = 'client' AND isNotNull(pair) AND " +
        *matches + ")))";
    UsageReport report = empty_report(query);
    const auto total = rows_of(client_, "SELECT " + values_of() + from, query.time);
    if (!total) return total.error();
    if (!total->empty()) {
        Cells cells((*total)[0]);
        report.total = values_in(cells);
    }
    std::string groups;
    std::string by;
    for (std::size_t i = 0; i < query.dimensions.size(); ++i) {
        const std::string alias = "by_" + std::to_string(i);
        groups += expression_of(query.dimensions[i]) + " AS " + alias + ", ";
        by += (by.empty() ? " GROUP BY " : ", ") + alias;
    }
    const std::string most = std::to_string(query.most_groups + 1);
    const auto rows = rows_of(client_, "SELECT " + groups + values_of() + from + by + " LIMIT " + most, query.time);
    if (!rows) return rows.error();
    if (rows->size() > query.most_groups)
        return base::error("more than " + std::to_string(query.most_groups) +
                               " groups: fewer dimensions, a shorter time or a narrower filter is wanted",
                           base::Error::Kind::usage);
    for (const json& one : *rows) {
        Cells cells(one);
        UsageRow row;
        for (std::size_t i = 0; i < query.dimensions.size(); ++i)
            row.group.push_back(cells.text());
        row.values = values_in(cells);
        if (row.values.requests > 0) report.rows.push_back(std::move(row));
    }
    report.groups = report.rows.size();
    order_and_cut(report.rows, query);
    return report;
}

base::Result<ExchangePage> ClickhouseReader::exchanges(const ExchangeQuery& query) {
    ClickhouseWords words;
    const auto matches = sql_of(query.filter, words);
    if (!matches) return matches.error();
    std::string sql = "SELECT toString(time_ns), id, record FROM exchange FINAL WHERE " + *matches +
                      range_of(query.since, query.until);
    if (!query.cursor.empty()) {
        const auto cursor = parse_cursor(query.cursor);
        if (!cursor) return cursor.error();
        const std::string time = std::to_string(cursor->time_ns);
        sql +=
            " AND (time_ns < " + time + " OR (time_ns = " + time + " AND id < " + clickhouse_literal(cursor->id) + "))";
    }
    sql += " ORDER BY time_ns DESC, id DESC LIMIT " + std::to_string(query.limit + 1);
    const auto rows = rows_of(client_, sql, query.time);
    if (!rows) return rows.error();
    ExchangePage page;
    Cursor last;
    for (const json& row : *rows) {
        if (page.records.size() == query.limit) {
            page.next = to_string(last);
            break;
        }
        Cells cells(row);
        last.time_ns = static_cast<std::int64_t>(cells.count());
        last.id = cells.text().value_or("");
        page.records.push_back(cells.text().value_or(""));
    }
    return page;
}

base::Result<std::optional<std::string>> ClickhouseReader::exchange(const std::string& id) {
    const auto rows =
        rows_of(client_, "SELECT record FROM exchange FINAL WHERE id = " + clickhouse_literal(id), std::nullopt);
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<std::string>();
    Cells cells((*rows)[0]);
    return cells.text();
}

}  // namespace llmsnoop::exporters::store
