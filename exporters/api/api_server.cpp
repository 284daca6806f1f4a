#include "exporters/api/api_server.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "agent/base/sha256.h"
#include "exporters/api/openapi_text.h"
#include "exporters/api/own_stack.h"
#include "exporters/api/parameters.h"
#include "exporters/json_writer.h"
#include "exporters/store/http_client.h"
#include "exporters/store/usage_text.h"
#include "exporters/web/listen_address.h"

namespace llmsnoop::exporters::api {

namespace {

constexpr const char* kJson = "application/json";
constexpr std::size_t kPlainThreads = 8;  // besides those that streams occupy
constexpr auto kDoctorAge = std::chrono::seconds(60);
constexpr std::size_t kDoctorAskers = 2;  // at a time; the others may ask again

// Answers are data, for whoever asked and nobody after.
const std::vector<WebRequest::Header>& safe_headers() {
    static const std::vector<WebRequest::Header> kHeaders{{"X-Content-Type-Options", "nosniff"},
                                                          {"Cache-Control", "no-store"},
                                                          {"Content-Security-Policy", "default-src 'none'"},
                                                          {"X-Frame-Options", "DENY"},
                                                          {"Referrer-Policy", "no-referrer"}};
    return kHeaders;
}

// RFC 9457.
std::string problem_text(int status, std::string_view detail) {
    const char* title = "Error";
    switch (status) {
        case 400:
            title = "Bad Request";
            break;
        case 401:
            title = "Unauthorized";
            break;
        case 403:
            title = "Forbidden";
            break;
        case 404:
            title = "Not Found";
            break;
        case 405:
            title = "Method Not Allowed";
            break;
        case 408:
            title = "Request Timeout";
            break;
        case 431:
            title = "Request Header Fields Too Large";
            detail = "line and headers of a request are longer than 16 KiB";
            break;
        case 429:
            title = "Too Many Requests";
            break;
        case 503:
            title = "Service Unavailable";
            break;
        default:
            break;
    }
    std::string text;
    JsonWriter out(text);
    out.begin_object();
    out.member("title", title);
    out.member("status", static_cast<std::uint64_t>(status));
    out.member_if_known("detail", detail);
    out.end_object();
    return text + "\n";
}

void reply(WebRequest& request, int status, const std::string& type, std::string_view body,
           std::vector<WebRequest::Header> more = {}) {
    more.insert(more.end(), safe_headers().begin(), safe_headers().end());
    request.reply(status, type, body, more);
}

void refuse(WebRequest& request, int status, std::string_view detail, std::vector<WebRequest::Header> more = {}) {
    reply(request, status, "application/problem+json", problem_text(status, detail), std::move(more));
}

// What the user got wrong is theirs to know; what failed here is told without more than the store's own words.
void refuse(WebRequest& request, const base::Error& error) {
    refuse(request, error.kind == base::Error::Kind::usage ? 400 : 503, error.message);
}

// As RFC 9110 writes a host, with or without a port.
bool names_this_machine(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    const std::size_t bracket = host.rfind(']');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket))
        host = host.substr(0, colon);
    return host == "localhost" || host == "[::1]" ||
           (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

class Slot {
 public:
    Slot(std::atomic<std::size_t>& used, std::size_t most) : used_(used), taken_(used.fetch_add(1) < most) {}
    ~Slot() { used_.fetch_sub(1); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    explicit operator bool() const { return taken_; }

 private:
    std::atomic<std::size_t>& used_;
    bool taken_;
};

}  // namespace

std::string_view openapi() {
    return kOpenApiText;
}

// What answers requests, from several threads.
class ApiServer::Desk {
 public:
    Desk(ApiOptions options, ApiSources sources, const std::string& token, bool loopback)
        : options_(std::move(options)),
          sources_(std::move(sources)),
          token_hash_(token.empty() ? "" : hash_of(token)),
          loopback_(loopback) {}

    void answer(WebRequest& request) {
        const std::string path(request.path());
        if (request.method() != "GET" && request.method() != "HEAD")
            return refuse(request, 405, "this API is read-only", {{"Allow", "GET, HEAD"}});
        if (request.has_body()) return refuse(request, 400, "no body is wanted");
        if (path == "/healthz") return reply(request, 200, kJson, "{\"status\":\"ok\"}\n");
        if (path == "/readyz") return answer_ready(request);
        if (!may(request)) return;
        auto list = request.query();
        if (!list) return refuse(request, list.error());
        auto parameters = Parameters::of(std::move(*list));
        if (!parameters) return refuse(request, parameters.error());
        if (path == "/api/v1/usage") return answer_usage(request, *parameters);
        if (path == "/api/v1/processes") return answer_processes(request, *parameters);
        if (path == "/api/v1/exchanges") return answer_exchanges(request, *parameters);
        if (path.starts_with(kExchange)) return answer_exchange(request, *parameters, path.substr(kExchange.size()));
        if (path == "/api/v1/stream") return answer_stream(request, *parameters);
        if (const auto left = parameters->nothing_left(); !left) return refuse(request, left.error());
        if (path == "/api/v1/doctor") return answer_doctor(request);
        if (path == "/openapi.json") return reply(request, 200, kJson, openapi());
        refuse(request, 404, "there is no such path; /openapi.json lists them");
    }

 private:
    static constexpr std::string_view kExchange = "/api/v1/exchanges/";

    static std::string hash_of(std::string_view text) { return base::sha256_hex(text); }

    bool may(WebRequest& request) const {
        if (token_hash_.empty()) {
            const auto host = request.header("Host");
            if (!loopback_ || !host || names_this_machine(*host)) return true;
            refuse(request, 403, "without a token, only requests to localhost are answered");
            return false;
        }
        // Hashes of equal length: how long the comparison takes says nothing about the token.
        const auto given = request.header("Authorization");
        constexpr std::string_view kBearer = "Bearer ";
        const bool bearer = given && given->size() > kBearer.size() && given->starts_with(kBearer);
        const std::string hash = hash_of(bearer ? given->substr(kBearer.size()) : std::string_view());
        if (bearer && CRYPTO_memcmp(hash.data(), token_hash_.data(), hash.size()) == 0) return true;
        refuse(request, 401, "a bearer token is wanted", {{"WWW-Authenticate", "Bearer realm=\"llmsnoop\""}});
        return false;
    }

    void answer_ready(WebRequest& request) const {
        if (!sources_.ready || sources_.ready()) return reply(request, 200, kJson, "{\"status\":\"ready\"}\n");
        refuse(request, 503, "not yet tracing");
    }

    using Answer = base::Result<std::optional<std::string>>;  // without a value: there is no such thing

    // Runs `ask` if there is a store, and if not too many ask at once. Whoever is slow to take the answer does not
    // count among those any more.
    template <typename Ask>
    void ask_store(WebRequest& request, Ask ask) {
        if (!sources_.store) return refuse(request, 404, "this agent keeps no store (store.enabled)");
        const auto answer = [&]() -> std::optional<Answer> {
            const Slot slot(queries_, options_.max_queries);
            if (!slot) return std::nullopt;
            return on_own_stack([&] { return ask(*sources_.store); });
        }();
        if (!answer) return refuse_crowd(request);
        if (!*answer) return refuse(request, answer->error());
        if (!**answer) return refuse(request, 404, "there is no exchange of that id");
        reply(request, 200, kJson, ***answer);
    }

    static void refuse_crowd(WebRequest& request) {
        refuse(request, 429, "too many queries at a time", {{"Retry-After", "1"}});
    }

    // `more`: members to stand before those of the report.
    void report(WebRequest& request, store::UsageQuery query, const std::string& more = {}) {
        query.time = options_.query_time;
        ask_store(request, [&](store::StoreReader& reader) -> Answer {
            const auto report = reader.usage(query);
            if (!report) return report.error();
            return std::optional("{" + more + store::usage_json(*report).substr(1));
        });
    }

    void answer_usage(WebRequest& request, Parameters& parameters) {
        auto query = usage_query_of(parameters, base::now());
        if (!query) return refuse(request, query.error());
        report(request, std::move(*query));
    }

    // Those that made or answered calls: a report with fixed dimensions; and those of which no call can be seen.
    void answer_processes(WebRequest& request, Parameters& parameters) {
        if (parameters.take("by")) return refuse(request, 400, "'by' is no parameter of this path");
        auto query = usage_query_of(parameters, base::now());
        if (!query) return refuse(request, query.error());
        query->dimensions = *store::parse_dimensions("pid,process,exe,user,namespace,pod,container");
        if (!query->since) query->since = base::now() - std::chrono::hours(24);
        const std::string blind = sources_.blind ? sources_.blind() : "";
        if (!sources_.store && !blind.empty()) return reply(request, 200, kJson, "{\"blind\":" + blind + "}\n");
        report(request, std::move(*query), blind.empty() ? "" : "\"blind\":" + blind + ",");
    }

    void answer_exchanges(WebRequest& request, Parameters& parameters) {
        auto query = exchange_query_of(parameters, base::now());
        if (!query) return refuse(request, query.error());
        query->time = options_.query_time;
        ask_store(request, [&](store::StoreReader& reader) -> Answer {
            const auto page = reader.exchanges(*query);
            if (!page) return page.error();
            std::string body = "{\"exchanges\":[";
            for (std::size_t i = 0; i < page->records.size(); ++i)
                body += (i > 0 ? ",\n" : "\n") + page->records[i];
            body += page->next.empty() ? "\n]}\n" : "\n],\"next\":\"" + page->next + "\"}\n";
            return std::optional(std::move(body));
        });
    }

    void answer_exchange(WebRequest& request, const Parameters& parameters, const std::string& id) {
        if (const auto left = parameters.nothing_left(); !left) return refuse(request, left.error());
        ask_store(request, [&](store::StoreReader& reader) -> Answer {
            auto line = reader.exchange(id);
            if (!line) return line.error();
            if (*line) **line += "\n";
            return std::move(*line);
        });
    }

    void answer_doctor(WebRequest& request) {
        if (!sources_.doctor) return refuse(request, 404, "there is no doctor here");
        using Text = base::Result<std::string>;
        const auto text = [this]() -> std::optional<Text> {
            const Slot slot(asking_doctor_, kDoctorAskers);
            if (!slot) return std::nullopt;
            // Looking takes seconds, and what is seen changes slowly: one looks, for all who ask meanwhile.
            const std::lock_guard lock(doctor_mutex_);
            const auto now = std::chrono::steady_clock::now();
            if (doctor_text_.empty() || now - doctor_time_ > kDoctorAge) {
                auto found = on_own_stack([this]() -> Text { return sources_.doctor(); });
                if (!found) return found;
                doctor_text_ = std::move(*found);
                doctor_time_ = std::chrono::steady_clock::now();
            }
            return doctor_text_ + "\n";
        }();
        if (!text) return refuse_crowd(request);
        if (!*text) return refuse(request, text->error());
        reply(request, 200, kJson, **text);
    }

    void answer_stream(WebRequest& request, Parameters& parameters) {
        const auto filter = parameters.take_filter();
        if (!filter) return refuse(request, filter.error());
        if (const auto left = parameters.nothing_left(); !left) return refuse(request, left.error());
        if (!sources_.stream) return refuse(request, 404, "there is no stream here");
        const auto subscription = sources_.stream->subscribe();
        if (!subscription) return refuse(request, 429, "too many watch already", {{"Retry-After", "10"}});
        if (!request.begin_stream("text/event-stream", safe_headers()) || request.method() == "HEAD") return;
        if (!request.write(": llmsnoop\n\n")) return;
        // Looks up often enough for the server to stop soon.
        constexpr base::Duration kPatience = std::chrono::milliseconds(200);
        auto next_beat = std::chrono::steady_clock::now() + options_.heartbeat;
        while (!request.stopping()) {
            std::uint64_t dropped = 0;
            std::string text;
            for (const auto& record : subscription->take(kPatience, dropped)) {
                if (!filter->matches_line(*record)) continue;
                text += "event: exchange\ndata: " + *record + "\n\n";
            }
            if (dropped > 0) text += fmt::format("event: dropped\ndata: {{\"count\":{}}}\n\n", dropped);
            const auto now = std::chrono::steady_clock::now();
            if (text.empty() && now < next_beat) continue;
            if (text.empty()) text = ": still here\n\n";
            next_beat = now + options_.heartbeat;
            if (!request.write(text)) return;
        }
    }

    const ApiOptions options_;
    const ApiSources sources_;
    const std::string token_hash_;  // empty: no token
    const bool loopback_;
    std::atomic<std::size_t> queries_{0};
    std::atomic<std::size_t> asking_doctor_{0};
    std::mutex doctor_mutex_;  // guards what follows
    std::string doctor_text_;
    std::chrono::steady_clock::time_point doctor_time_;
};

ApiServer::ApiServer(std::shared_ptr<Desk> desk, std::unique_ptr<WebServer> server)
    : desk_(std::move(desk)), server_(std::move(server)) {}

ApiServer::~ApiServer() = default;

base::Result<std::unique_ptr<ApiServer>> ApiServer::start(ApiOptions options, ApiSources sources) {
    const auto wrong = [](const std::string& message) {
        return base::error("api: " + message, base::Error::Kind::usage);
    };
    const auto address = parse_listen_address(options.listen);
    if (!address) return wrong("\"" + options.listen + "\" is no address: want 127.0.0.1:9465 or [::1]:9465");
    if (options.tls_certificate.empty() != options.tls_key.empty())
        return wrong("certificate and key belong together (api.tls_certificate, api.tls_key)");
    const bool tls = !options.tls_certificate.empty();
    const bool loopback = address->is_loopback();
    if (!loopback && !options.insecure && (!tls || options.token_file.empty())) {
        return wrong(options.listen +
                     " is beyond loopback: api.token_file, api.tls_certificate and api.tls_key are wanted, or "
                     "api.insecure: true");
    }
    std::string token;
    if (!options.token_file.empty()) {
        auto read = store::read_secret(options.token_file);
        if (!read) return wrong(read.error().message);
        token = std::move(*read);
        constexpr std::size_t kShortest = 16;
        if (token.size() < kShortest) return wrong(options.token_file + ": a token of 16 characters or more is wanted");
    }
    WebServer::Options web;
    web.name = "api";
    web.address = options.listen;
    web.threads = options.max_streams + kPlainThreads;
    web.timeout = options.client_time;
    if (tls) web.tls = TlsFiles{options.tls_certificate, options.tls_key};
    web.refusals = options.refusals;
    web.error_body = [](int status) { return problem_text(status, ""); };
    auto desk = std::make_shared<Desk>(std::move(options), std::move(sources), token, loopback);
    web.handler = [desk](WebRequest& request) { desk->answer(request); };
    auto server = WebServer::start(std::move(web));
    if (!server) return server.error();
    return std::unique_ptr<ApiServer>(new ApiServer(std::move(desk), std::move(*server)));
}

std::uint16_t ApiServer::port() const {
    return server_->port();
}

}  // namespace llmsnoop::exporters::api
