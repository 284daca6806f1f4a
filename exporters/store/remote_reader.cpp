#include "exporters/store/remote_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/printable.h"
#include "exporters/store/http_client.h"
#include "exporters/store/usage_groups.h"
#include "exporters/store/usage_text.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 10'000;  // of a report, as the API allows

// RFC 9457, as the API refuses: a 404 of some other server does not tell that there is no such exchange.
bool is_of_api(const json& problem) {
    return problem.is_object() && problem.contains("status") && problem["status"] == 404;
}

class Query {
 public:
    void add(const char* name, const std::string& value) {
        if (!value.empty()) text_ += (text_.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
    }
    void add(const char* name, const std::optional<base::Time>& time) {
        if (time) add(name, base::rfc3339(*time));
    }
    const std::string& text() const { return text_; }

 private:
    std::string text_;
};

const char* name_of(UsageOrder order) {
    switch (order) {
        case UsageOrder::tokens:
            return "tokens";
        case UsageOrder::requests:
            return "requests";
        case UsageOrder::errors:
            return "errors";
        case UsageOrder::cost:
            return "cost";
        case UsageOrder::latency:
            return "latency";
        case UsageOrder::name:
            return "name";
    }
    return "";
}

}  // namespace

base::Result<std::unique_ptr<RemoteReader>> RemoteReader::create(const RemoteOptions& options) {
    const auto parts = parse_url(options.url);
    if (!parts) return parts.error();
    std::unique_ptr<RemoteReader> reader(new RemoteReader());
    reader->url_ = options.url;
    while (!reader->url_.empty() && reader->url_.back() == '/')
        reader->url_.pop_back();
    reader->ca_file_ = options.ca_file;
    if (options.token_file.empty()) return reader;
    if (!parts->tls && !parts->is_loopback())
        return base::error("a token goes over https:// only, or to this machine", base::Error::Kind::usage);
    auto token = read_secret(options.token_file);
    if (!token) return token.error();
    reader->token_ = std::move(*token);
    return reader;
}

base::Result<std::optional<std::string>> RemoteReader::get(const std::string& path_and_query, Wanted what) const {
    HttpRequest request;
    request.url = url_ + path_and_query;
    request.ca_file = ca_file_;
    if (!token_.empty()) request.headers.push_back("Authorization: Bearer " + token_);
    auto answer = http(request);
    if (!answer) return base::error(url_ + ": " + base::printable(answer.error().message));
    if (answer->status == 200) return std::optional(std::move(answer->body));
    const json problem = json::parse(answer->body, nullptr, false);
    if (answer->status == 404 && what == Wanted::may_be_missing && is_of_api(problem))
        return std::optional<std::string>();
    std::string detail;
    if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string())
        detail = ": " + base::printable(problem["detail"].get<std::string>());
    return base::error(url_ + ": HTTP " + std::to_string(answer->status) + detail,
                       answer->status == 400 ? base::Error::Kind::usage : base::Error::Kind::failed);
}

base::Result<UsageReport> RemoteReader::usage(const UsageQuery& query) {
    Query parameters;
    std::string by;
    for (const Dimension& dimension : query.dimensions)
        by += (by.empty() ? "" : ",") + dimension.name();
    parameters.add("by", by);
    parameters.add("since", query.since);
    parameters.add("until", query.until);
    parameters.add("filter", query.filter.text());
    if (query.order) parameters.add("order", std::string(name_of(*query.order)));
    // Without a limit the API gives fewer than it may.
    parameters.add("limit", std::to_string(query.limit == 0 ? kMostRows : std::min(query.limit, kMostRows)));
    const auto answer = get("/api/v1/usage" + parameters.text(), Wanted::must_be_there);
    if (!answer) return answer.error();
    auto report = parse_usage_json(**answer);
    if (!report) return base::error(url_ + ": " + report.error().message);
    if (report->dimensions != empty_report(query).dimensions)
        return base::error(url_ + ": the answer is to another question");
    for (UsageRow& row : report->rows) {
        for (auto& value : row.group) {
            if (value) value = base::printable(*value);
        }
    }
    return report;
}

base::Result<ExchangePage> RemoteReader::exchanges(const ExchangeQuery& query) {
    Query parameters;
    parameters.add("since", query.since);
    parameters.add("until", query.until);
    parameters.add("filter", query.filter.text());
    parameters.add("cursor", query.cursor);
    parameters.add("limit", std::to_string(query.limit));
    const auto answer = get("/api/v1/exchanges" + parameters.text(), Wanted::must_be_there);
    if (!answer) return answer.error();
    const json all = json::parse(**answer, nullptr, false);
    if (!all.is_object() || !all.contains("exchanges") || !all["exchanges"].is_array())
        return base::error(url_ + ": the answer is no list of exchanges");
    ExchangePage page;
    for (const json& one : all["exchanges"])
        page.records.push_back(one.dump(-1, ' ', false, json::error_handler_t::replace));
    if (all.contains("next") && all["next"].is_string()) page.next = all["next"].get<std::string>();
    return page;
}

base::Result<std::optional<std::string>> RemoteReader::exchange(const std::string& id) {
    const auto answer = get("/api/v1/exchanges/" + percent_encoded(id), Wanted::may_be_missing);
    if (!answer) return answer.error();
    if (!*answer) return std::optional<std::string>();
    // It is shown as it is: not what a terminal would obey.
    const auto record = nlohmann::ordered_json::parse(**answer, nullptr, false);
    if (!record.is_object()) return base::error(url_ + ": the answer is no exchange");
    const std::string line = record.dump(-1, ' ', false, json::error_handler_t::replace);
    if (base::printable(line) == line) return std::optional(line);
    return std::optional(record.dump(-1, ' ', true, json::error_handler_t::replace));
}

}  // namespace llmsnoop::exporters::store
