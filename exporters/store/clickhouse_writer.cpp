// The client, and the writer.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/log.h"
#include "agent/base/printable.h"
#include "exporters/json_writer.h"
#include "exporters/store/clickhouse.h"
#include "exporters/store/clickhouse_sql_text.h"
#include "exporters/store/http_client.h"

namespace llmsnoop::exporters::store {

namespace {

constexpr auto kLongestWait = std::chrono::seconds(60);
constexpr int kFilesAtATime = 8;  // of the spool, at each call of maintain
// One batch, with making the tables before it. Less than what a stop waits for the sinks, so that a server that hangs
// costs no batch: there is time to put it into the spool.
constexpr auto kSendTimeout = std::chrono::seconds(8);
constexpr auto kMaintainTime = std::chrono::seconds(2);  // files are begun to be sent for so long
constexpr std::string_view kInsert = "INSERT INTO exchange FORMAT JSONEachRow ";

// The server's own words name the column, not the value; the first line is enough.
std::string first_line(const std::string& text) {
    return base::printable(std::string_view(text).substr(0, std::min<std::size_t>(text.find('\n'), 300)));
}

void write_labels(JsonWriter& out, const std::string& text) {
    const auto labels = nlohmann::json::parse(text, nullptr, false);
    if (!labels.is_object()) return;
    out.begin_array("label_names");
    for (const auto& [name, value] : labels.items())
        out.string(name);
    out.end_array();
    out.begin_array("label_values");
    for (const auto& [name, value] : labels.items())
        out.string(value.is_string() ? value.get_ref<const std::string&>() : "");
    out.end_array();
}

// Never zero, which would be no limit.
std::chrono::milliseconds left_until(std::chrono::steady_clock::time_point until) {
    const auto left = until - std::chrono::steady_clock::now();
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left), std::chrono::milliseconds(1));
}

// 18.16 reads no exponents into whole numbers.
std::string whole(double value) {
    return std::to_string(value >= 0x1p64 ? UINT64_MAX : static_cast<std::uint64_t>(std::max(value, 0.0)));
}

}  // namespace

std::string clickhouse_row(const StoredRecord& record) {
    std::string text;
    JsonWriter out(text);
    out.begin_object();
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
        const Column& column = kColumns[i];
        const Value& value = record.row[i];
        if (const auto* words = std::get_if<std::string>(&value)) {
            if (column.type == ColumnType::labels) {
                write_labels(out, *words);
            } else {
                out.member(column.name, *words);
            }
        } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            out.member(column.name, std::to_string(*integer));
        } else if (const auto* real = std::get_if<double>(&value)) {
            if (column.type == ColumnType::integer) {
                out.member(column.name, whole(*real));
            } else {
                out.member(column.name, *real);
            }
        }
    }
    out.member("record", record.line);
    out.end_object();
    return text;
}

base::Result<ClickhouseClient> ClickhouseClient::create(const ClickhouseOptions& options) {
    const auto parts = parse_url(options.url);
    if (!parts) return parts.error();
    ClickhouseClient out;
    out.options_ = options;
    while (out.options_.url.back() == '/')
        out.options_.url.pop_back();
    if (options.password_file.empty()) return out;
    if (!parts->tls && !parts->is_loopback())
        return base::error("ClickHouse: a password goes over https:// only, or to this machine",
                           base::Error::Kind::usage);
    auto password = read_secret(options.password_file);
    if (!password) return password.error();
    out.password_ = std::move(*password);
    return out;
}

base::Result<std::string> ClickhouseClient::run(std::string_view statement, std::string_view settings,
                                                const std::string* body, std::chrono::milliseconds timeout) const {
    HttpRequest request;
    request.url = options_.url + "/?database=" + percent_encoded(options_.database) + std::string(settings);
    const std::string text(statement);
    if (body != nullptr) request.url += "&query=" + percent_encoded(text);
    request.body = body != nullptr ? body : &text;
    request.headers.emplace_back("Expect:");
    if (!options_.user.empty()) request.headers.push_back("X-ClickHouse-User: " + options_.user);
    if (!password_.empty()) request.headers.push_back("X-ClickHouse-Key: " + password_);
    request.ca_file = options_.ca_file;
    request.timeout = timeout;
    auto answer = http(request);
    if (!answer) return base::error("ClickHouse " + options_.url + ": " + answer.error().message);
    if (answer->status != 200)
        return base::error("ClickHouse " + options_.url + ": HTTP " + std::to_string(answer->status) + ": " +
                           first_line(answer->body));
    return std::move(answer->body);
}

base::Result<std::unique_ptr<ClickhouseWriter>> ClickhouseWriter::create(const ClickhouseOptions& options,
                                                                         SpoolOptions spool) {
    auto client = ClickhouseClient::create(options);
    if (!client) return client.error();
    auto opened = Spool::open(std::move(spool));
    if (!opened) return opened.error();
    return std::unique_ptr<ClickhouseWriter>(new ClickhouseWriter(std::move(*client), std::move(*opened)));
}

base::Result<void> ClickhouseWriter::make_tables(Clock::time_point until) {
    std::string_view rest = kClickhouseSql;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(";\n"), rest.size());
        const std::string_view statement = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 2, rest.size()));
        if (statement.find("CREATE") == std::string_view::npos) continue;
        if (const auto made = client_.run(statement, {}, nullptr, left_until(until)); !made) return made.error();
    }
    tables_made_ = true;
    return {};
}

// Sends, or says after how long to try again.
base::Result<void> ClickhouseWriter::send(const std::string& rows) {
    base::Result<void> done;
    // Who may not make tables may have them already: the insert shows.
    const auto until = Clock::now() + kSendTimeout;
    if (!tables_made_) done = make_tables(until);
    const auto sent = client_.run(kInsert, {}, &rows, left_until(until));
    if (sent) {
        wait_ = std::chrono::seconds(0);
        return {};
    }
    wait_ = std::clamp(wait_ * 2, std::chrono::seconds(1), kLongestWait);
    next_try_ = Clock::now() + wait_;
    return done ? sent.error() : done;
}

base::Result<void> ClickhouseWriter::write(const std::deque<StoredRecord>& records, std::size_t count) {
    std::string rows;
    for (std::size_t i = 0; i < count; ++i)
        rows += clickhouse_row(records[i]) + "\n";
    // While some wait on the disk, all others do too, or the disk's might wait for ever.
    if (spool_.empty() && Clock::now() >= next_try_) {
        const auto sent = send(rows);
        if (sent) return {};
        base::log::warn("{}; exchanges wait in the spool until it is back", sent.error().message);
    }
    return spool_.add(rows);
}

base::Result<void> ClickhouseWriter::maintain() {
    const auto until = Clock::now() + kMaintainTime;
    for (int i = 0; i < kFilesAtATime && !spool_.empty() && Clock::now() >= next_try_ && Clock::now() < until; ++i) {
        const auto rows = spool_.oldest();
        if (!rows) return rows.error();  // it may pass
        if (!*rows) {                    // it must not hold up the others
            spool_.remove_oldest();
            return base::error("a file of the spool is gone or was cut; its exchanges are lost");
        }
        if (auto sent = send(**rows); !sent) return sent;
        spool_.remove_oldest();
        if (spool_.empty()) base::log::info("ClickHouse takes exchanges again; the spool is empty");
    }
    return {};
}

}  // namespace llmsnoop::exporters::store
