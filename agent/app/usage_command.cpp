// The commands that ask the store: of this machine, or by an agent's API.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/app/commands.h"
#include "agent/base/printable.h"
#include "exporters/store/remote_reader.h"
#include "exporters/store/sqlite_reader.h"
#include "exporters/store/time_text.h"
#include "exporters/store/usage_text.h"

namespace llmsnoop::app {

namespace {

using namespace exporters::store;

base::Error flag_error(const char* flag, const base::Error& error) {
    return base::error(std::string(flag) + ": " + error.message, error.kind);
}

base::Result<std::unique_ptr<StoreReader>> open_reader(const StoreOptions& options) {
    if (!options.url.empty()) {
        auto remote = RemoteReader::create({options.url, options.token_file, options.ca_file});
        if (!remote) return flag_error("--url", remote.error());
        return std::unique_ptr<StoreReader>(std::move(*remote));
    }
    const auto config = options.config();
    if (!config) return config.error();
    const std::string path = options.path.empty() ? config->store.path : options.path;
    if (path.starts_with("http://") || path.starts_with("https://")) {
        ClickhouseOptions clickhouse = clickhouse_options(*config);
        clickhouse.url = path;
        auto reader = ClickhouseReader::create(clickhouse);
        if (!reader) return flag_error("--store", reader.error());
        return std::unique_ptr<StoreReader>(std::move(*reader));
    }
    return std::unique_ptr<StoreReader>(std::make_unique<SqliteReader>(path));
}

base::Result<std::optional<base::Time>> parse_time(const char* flag, const std::string& text) {
    if (text.empty()) return std::optional<base::Time>();
    const auto time = parse_when(text, base::now());
    if (!time) return flag_error(flag, time.error());
    return std::optional(*time);
}

base::Result<UsageQuery> make_query(const UsageOptions& options) {
    UsageQuery query;
    auto dimensions = parse_dimensions(options.by);
    if (!dimensions) return flag_error("--by", dimensions.error());
    query.dimensions = std::move(*dimensions);
    const auto since = parse_time("--since", options.since);
    if (!since) return since.error();
    query.since = *since;
    const auto until = parse_time("--until", options.until);
    if (!until) return until.error();
    query.until = *until;
    auto filter = exporters::Filter::parse(options.filter);
    if (!filter) return filter.error();
    query.filter = std::move(*filter);
    if (!options.order.empty()) {
        const auto order = parse_order(options.order);
        if (!order) return flag_error("--order", order.error());
        query.order = *order;
    }
    query.limit = options.limit;
    return query;
}

base::Result<std::string> usage(const UsageOptions& options) {
    const auto format = parse_usage_format(options.format);
    if (!format) return flag_error("--format", format.error());
    const auto query = make_query(options);
    if (!query) return query.error();
    const auto reader = open_reader(options);
    if (!reader) return reader.error();
    const auto report = (*reader)->usage(*query);
    if (!report) return report.error();
    switch (*format) {
        case UsageFormat::table:
            return usage_table(*report);
        case UsageFormat::json:
            return usage_json(*report);
        case UsageFormat::csv:
            return usage_csv(*report);
    }
    return std::string();
}

}  // namespace

exporters::store::ClickhouseOptions clickhouse_options(const Config& config) {
    return {config.store.clickhouse_url, config.store.clickhouse_database, config.store.clickhouse_user,
            config.store.clickhouse_password_file, config.store.clickhouse_ca_file};
}

int usage_command(const UsageOptions& options) {
    const auto text = usage(options);
    if (!text) return report(text.error());
    fmt::print("{}", *text);
    return kSuccess;
}

int show_command(const ShowOptions& options) {
    const auto reader = open_reader(options);
    if (!reader) return report(reader.error());
    const auto line = (*reader)->exchange(options.id);
    if (!line) return report(line.error());
    if (!*line) return report(base::error("there is no exchange '" + options.id + "' in the store"));
    const auto record = nlohmann::ordered_json::parse(**line, nullptr, false);
    if (options.json || record.is_discarded()) {
        fmt::print("{}\n", **line);
    } else {
        // What a terminal would obey is escaped.
        constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
        const std::string text = record.dump(-1, ' ', false, kReplace);
        fmt::print("{}\n", record.dump(2, ' ', base::printable(text) != text, kReplace));
    }
    return kSuccess;
}

}  // namespace llmsnoop::app
