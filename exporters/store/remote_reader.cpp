#include "exporters/store/remote_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/printable.h"
#include "exporters/store/http_client.h"
#include "exporters/store/usage_text.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;

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

base::Result<RemoteReader::Answer> RemoteReader::get(const std::string& path_and_query) const {
    HttpRequest request;
    request.url = url_ + path_and_query;
    request.ca_file = ca_file_;
    if (!token_.empty()) request.headers.push_back("Authorization: Bearer " + token_);
    auto answer = http(request);
    if (!answer) return base::error(url_ + ": " + answer.error().message);
    if (answer->status == 200 || answer->status == 404) return Answer{answer->status, std::move(answer->body)};
    const json problem = json::parse(answer->body, nullptr, false);
    std::string detail;
    if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string())
        detail = ": " + problem["detail"].get<std::string>();
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
    if (query.limit > 0) parameters.add("limit", std::to_string(query.limit));
    auto answer = get("/api/v1/usage" + parameters.text());
    if (!answer) return answer.error();
    auto report = parse_usage_json(answer->body);
    if (!report) return base::error(url_ + ": " + report.error().message);
    return report;
}

base::Result<ExchangePage> RemoteReader::exchanges(const ExchangeQuery& query) {
    Query parameters;
    parameters.add("since", query.since);
    parameters.add("until", query.until);
    parameters.add("filter", query.filter.text());
    parameters.add("cursor", query.cursor);
    parameters.add("limit", std::to_string(query.limit));
    auto answer = get("/api/v1/exchanges" + parameters.text());
    if (!answer) return answer.error();
    const json all = json::parse(answer->body, nullptr, false);
    if (!all.is_object() || !all.contains("exchanges") || !all["exchanges"].is_array())
        return base::error(url_ + ": the answer is no list of exchanges");
    ExchangePage page;
    for (const json& one : all["exchanges"])
        page.records.push_back(one.dump(-1, ' ', false, json::error_handler_t::replace));
    if (all.contains("next") && all["next"].is_string()) page.next = all["next"].get<std::string>();
    return page;
}

base::Result<std::optional<std::string>> RemoteReader::exchange(const std::string& id) {
    auto answer = get("/api/v1/exchanges/" + percent_encoded(id));
    if (!answer) return answer.error();
    if (answer->status == 404) return std::optional<std::string>();
    return std::optional(std::move(answer->body));
}

}  // namespace llmsnoop::exporters::store
