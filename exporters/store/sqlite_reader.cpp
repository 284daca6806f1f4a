#include "exporters/store/sqlite_reader.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <utility>

#include "exporters/store/sqlite_schema.h"
#include "exporters/store/sqlite_words.h"
#include "exporters/store/usage_groups.h"

namespace llmsnoop::exporters::store {

namespace {

using Kind = Dimension::Kind;

constexpr auto kBusyTimeout = std::chrono::seconds(2);
constexpr const char* kNoRecords = ", only its counts (store.keep_records)";
constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::int64_t kDay = 24 * kHour;

// Of the table e. An hour or a day is its number since 1970, which becomes a date only once for a group.
std::string expression_of(const Dimension& dimension, std::vector<Value>& values) {
    switch (dimension.kind) {
        case Kind::namespace_name:
            return "e.namespace";
        case Kind::pod:
            return "e.pod";
        case Kind::pod_uid:
            return "e.pod_uid";
        case Kind::container:
            return "coalesce(e.k8s_container, e.container_name, substr(e.container_id, 1, 12))";
        case Kind::workload:
            return "e.workload";
        case Kind::workload_kind:
            return "e.workload_kind";
        case Kind::node:
            return "e.node";
        case Kind::process:
            return "coalesce(e.comm, replace(e.exe, rtrim(e.exe, replace(e.exe, '/', '')), ''))";
        case Kind::pid:
            return "e.pid";
        case Kind::exe:
            return "e.exe";
        case Kind::user:
            return "e.uid";
        case Kind::provider:
            return "e.provider";
        case Kind::model:
            return "coalesce(e.response_model, e.request_model)";
        case Kind::operation:
            return "e.operation";
        case Kind::role:
            return "e.role";
        case Kind::status:
            return "e.http_status";
        case Kind::error_type:
            return "e.error_type";
        case Kind::completeness:
            return "e.completeness";
        case Kind::hour:
            return "e.time_ns / " + std::to_string(kHour);
        case Kind::day:
            return "e.time_ns / " + std::to_string(kDay);
        case Kind::label:
            values.emplace_back(dimension.label);
            return "label(e.labels, ?" + std::to_string(values.size()) + ")";
    }
    return "NULL";
}

// The number of an hour or a day since 1970, as "2026-11-20T10:00:00Z" or "2026-11-20".
void name_time(std::string& text, Kind kind) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    text = base::rfc3339(base::time_from_unix_ns(number * (kind == Kind::hour ? kHour : kDay)));
    if (kind == Kind::hour) text.replace(19, std::string::npos, "Z");
    if (kind == Kind::day) text.resize(10);
}

void name_times(UsageReport& report, const UsageQuery& query) {
    for (std::size_t i = 0; i < query.dimensions.size(); ++i) {
        const Kind kind = query.dimensions[i].kind;
        if (kind != Kind::hour && kind != Kind::day) continue;
        for (UsageRow& row : report.rows) {
            if (row.group[i]) name_time(*row.group[i], kind);
        }
    }
}

void add_range(std::string& sql, std::vector<Value>& values, const std::optional<base::Time>& since,
               const std::optional<base::Time>& until) {
    if (since) {
        values.emplace_back(base::unix_ns(*since));
        sql += " AND e.time_ns >= ?" + std::to_string(values.size());
    }
    if (until) {
        values.emplace_back(base::unix_ns(*until));
        sql += " AND e.time_ns < ?" + std::to_string(values.size());
    }
}

// The server's record of an exchange whose client's record matches too; it is enough if one of them names the other.
// When that one was begun does not matter: it counts in the time that it belongs to.
base::Result<std::string> counted_already(const Filter& filter, std::vector<Value>& values) {
    SqliteWords words("c", values);
    auto matches = sql_of(filter, words);
    if (!matches) return matches;
    return "(e.role = 'server' AND EXISTS (SELECT 1 FROM exchange c WHERE (c.id = e.pair OR c.pair = e.id) AND "
           "c.role = 'client' AND " +
           *matches + "))";
}

std::optional<std::uint64_t> count_at(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    // Beyond 63 bits it is kept as a double.
    const double real = row.real(column);
    if (real >= 0x1p63) return real >= 0x1p64 ? UINT64_MAX : static_cast<std::uint64_t>(real);
    const std::int64_t value = row.integer(column);
    return value < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(value));
}

std::optional<double> real_at(const Statement& row, int column) {
    return row.is_null(column) ? std::nullopt : std::optional(row.real(column));
}

Measures measures_at(const Statement& row, int column) {
    Measures out;
    out.failed = !row.is_null(column);
    out.input = count_at(row, column + 1);
    out.output = count_at(row, column + 2);
    out.cache_read = count_at(row, column + 3);
    out.cache_write = count_at(row, column + 4);
    out.reasoning = count_at(row, column + 5);
    const std::string_view source = row.text(column + 6);
    out.estimated = source == "estimated" || source == "partial";
    out.cost_usd = real_at(row, column + 7);
    out.duration_ms = real_at(row, column + 8);
    out.ttft_ms = real_at(row, column + 9);
    return out;
}
constexpr const char* kMeasures =
    "e.failed, e.input_tokens, e.output_tokens, e.cache_read_tokens, e.cache_write_tokens, e.reasoning_tokens, "
    "e.usage_source, e.cost_usd, e.duration_ms, e.ttft_ms";

// Prepared, with its values, which must outlive it.
base::Result<Statement> prepare(Database& database, const std::string& sql, const std::vector<Value>& values) {
    auto statement = database.prepare(sql);
    if (!statement) return statement.error();
    for (std::size_t i = 0; i < values.size(); ++i)
        statement->bind(static_cast<int>(i) + 1, values[i]);
    return statement;
}

base::Error failure_of(Database& database) {
    base::Error error = database.error();
    if (database.failure() == SqliteFailure::interrupted)
        error.message = "the query takes too long: a shorter time or a narrower filter is wanted";
    return error;
}

}  // namespace

base::Result<Database> SqliteReader::open(const std::optional<base::Duration>& time) const {
    std::error_code problem;
    if (!std::filesystem::exists(path_, problem))
        return base::error("store " + path_ + ": there is none (does `llmsnoop run` write it, with store.enabled?)");
    auto database = Database::open(path_, Database::Mode::read_only, kBusyTimeout);
    if (!database) return database.error();
    auto checked = check_schema(*database);
    // A file whose writer has ended lies there without -wal and -shm, and who may not write the directory cannot make
    // them.
    if (!checked && checked.error().kind != base::Error::Kind::unsupported &&
        !std::filesystem::exists(path_ + "-wal", problem)) {
        database = Database::open_immutable(path_);
        if (!database) return database.error();
        checked = check_schema(*database);
    }
    if (!checked) return checked.error();
    if (time) database->set_deadline(*time);
    return database;
}

base::Result<UsageReport> SqliteReader::usage(const UsageQuery& query) {
    auto database = open(query.time);
    if (!database) return database.error();
    if (auto added = add_functions(*database, query.filter); !added) return added.error();

    std::vector<Value> values;
    std::string sql = "SELECT ";
    for (const Dimension& dimension : query.dimensions)
        sql += expression_of(dimension, values) + ", ";
    sql += kMeasures;
    SqliteWords words("e", values);
    const auto matches = sql_of(query.filter, words);
    if (!matches) return matches.error();
    sql += " FROM exchange e WHERE " + *matches;
    add_range(sql, values, query.since, query.until);
    const auto counted = counted_already(query.filter, values);
    if (!counted) return counted.error();
    sql += " AND NOT " + *counted;

    auto rows = prepare(*database, sql, values);
    if (!rows) return rows.error();
    UsageGroups groups(query.most_groups);
    std::vector<std::optional<std::string>> group(query.dimensions.size());
    Statement::Step step = Statement::Step::done;
    while ((step = rows->step()) == Statement::Step::row) {
        for (std::size_t i = 0; i < group.size(); ++i) {
            const int column = static_cast<int>(i);
            group[i].reset();
            if (rows->is_null(column)) continue;
            group[i].emplace(rows->text(column));
        }
        if (!groups.add(group, measures_at(*rows, static_cast<int>(group.size()))))
            return base::error("more than " + std::to_string(query.most_groups) +
                                   " groups: fewer dimensions, a shorter time or a narrower filter is wanted",
                               base::Error::Kind::usage);
    }
    if (step == Statement::Step::failed) return failure_of(*database);
    UsageReport report = groups.report(query);
    name_times(report, query);
    return report;
}

base::Result<ExchangePage> SqliteReader::exchanges(const ExchangeQuery& query) {
    std::optional<Cursor> cursor;
    if (!query.cursor.empty()) {
        auto parsed = parse_cursor(query.cursor);
        if (!parsed) return parsed.error();
        cursor = std::move(*parsed);
    }
    auto database = open(query.time);
    if (!database) return database.error();
    if (auto added = add_functions(*database, query.filter); !added) return added.error();
    std::vector<Value> values;
    SqliteWords words("e", values);
    const auto matches = sql_of(query.filter, words);
    if (!matches) return matches.error();
    std::string sql =
        "SELECT e.time_ns, e.id, r.line FROM exchange e LEFT JOIN record r ON r.seq = e.seq WHERE " + *matches;
    add_range(sql, values, query.since, query.until);
    if (cursor) {
        values.emplace_back(cursor->time_ns);
        values.emplace_back(cursor->id);
        sql += " AND (e.time_ns, e.id) < (?" + std::to_string(values.size() - 1) + ", ?" +
               std::to_string(values.size()) + ")";
    }
    values.emplace_back(static_cast<std::int64_t>(query.limit) + 1);  // one more, to know whether there is more
    sql += " ORDER BY e.time_ns DESC, e.id DESC LIMIT ?" + std::to_string(values.size());
    auto rows = prepare(*database, sql, values);
    if (!rows) return rows.error();
    ExchangePage page;
    Cursor last;
    Statement::Step step = Statement::Step::done;
    while ((step = rows->step()) == Statement::Step::row) {
        if (page.records.size() == query.limit) {
            page.next = to_string(last);
            break;
        }
        last = {rows->integer(0), std::string(rows->text(1))};
        if (rows->is_null(2)) return base::error("the store has no record of " + last.id + kNoRecords);
        page.records.emplace_back(rows->text(2));
    }
    if (step == Statement::Step::failed) return failure_of(*database);
    return page;
}

base::Result<std::optional<std::string>> SqliteReader::exchange(const std::string& id) {
    auto database = open(std::nullopt);
    if (!database) return database.error();
    const std::vector<Value> values{id};
    auto row =
        prepare(*database, "SELECT r.line FROM exchange e LEFT JOIN record r ON r.seq = e.seq WHERE e.id = ?1", values);
    if (!row) return row.error();
    const auto step = row->step();
    if (step == Statement::Step::failed) return failure_of(*database);
    if (step == Statement::Step::done) return std::optional<std::string>();
    if (row->is_null(0)) return base::error("the store has no record of " + id + kNoRecords);
    return std::optional(std::string(row->text(0)));
}

}  // namespace llmsnoop::exporters::store
