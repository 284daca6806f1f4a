#include "agent/llm/registry.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "agent/llm/gemini_live.h"
#include "agent/llm/grpc.h"
#include "agent/llm/json_document.h"
#include "agent/llm/openai_realtime.h"
#include "agent/llm/openai_responses_ws.h"
#include "agent/llm/provider.h"
#include "agent/llm/routes.h"
#include "agent/llm/shapes.h"
#include "agent/llm/target.h"

namespace llmsnoop::llm {
namespace {

constexpr std::uint16_t kOllamaPort = 11434;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
               return lower(x) == lower(y);
           });
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string_view header_or_empty(const model::MessageHead& head, std::string_view name) {
    return model::header(head, name).value_or(std::string_view{});
}

// RFC 6455 section 4.1; RFC 8441 for HTTP/2.
bool is_websocket(const model::MessageHead& head) {
    return head.protocol == model::Protocol::websocket ||
           equals_ignoring_case(header_or_empty(head, "upgrade"), "websocket") ||
           equals_ignoring_case(header_or_empty(head, ":protocol"), "websocket");
}

std::optional<Method> method_of(const model::MessageHead& head) {
    if (is_websocket(head)) return Method::websocket;
    if (equals_ignoring_case(head.method, "POST")) return Method::post;
    if (equals_ignoring_case(head.method, "GET")) return Method::get;
    return std::nullopt;
}

std::uint16_t port_of(std::string_view authority) {
    const std::size_t colon = authority.rfind(':');
    std::uint16_t port = 0;
    if (colon == std::string_view::npos) return 0;
    std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), port);
    return port;
}

bool is_grpc(const model::MessageHead& head) {
    return header_or_empty(head, "content-type").starts_with("application/grpc");
}

// Bodies of unknown paths are looked at only where they may be JSON.
bool may_be_json(const model::MessageHead& head) {
    const std::string_view type = header_or_empty(head, "content-type");
    return type.empty() || contains(type, "json");
}

bool bears_mcp_headers(const model::MessageHead& head) {
    const std::string_view accept = header_or_empty(head, "accept");
    return model::header(head, "mcp-session-id") || model::header(head, "mcp-protocol-version") ||
           model::header(head, "mcp-method") ||
           (contains(accept, "application/json") && contains(accept, "text/event-stream"));
}

// Is the route's path enough, without a body?
bool is_certain(const Route& route, bool model_host, std::uint16_t port) {
    switch (route.certainty) {
        case Certainty::path:
            return true;
        case Certainty::host:
            return model_host;
        case Certainty::port:
            return port == kOllamaPort;
        case Certainty::body:
            return false;
    }
    return false;
}

// The bodies as far as they are there, parsed.
class ParsedBodies {
 public:
    explicit ParsedBodies(const Clues& clues) {
        if (clues.request_body) {
            const auto ending = clues.request_body_cut ? JsonDocument::Ending::cut : JsonDocument::Ending::whole;
            bodies_.request = request_.parse(base::as_text(*clues.request_body), ending);
        }
        if (clues.response_document) bodies_.response = response_.parse(base::as_text(*clues.response_document));
    }
    const Bodies& operator*() const { return bodies_; }

 private:
    JsonDocument request_;
    JsonDocument response_;
    Bodies bodies_;
};

class Recogniser {
 public:
    Recogniser(const Clues& clues, Calls& calls, model::LossCounters& losses, Batches batches)
        : clues_(clues),
          head_(*clues.request),
          target_(head_.target),
          calls_(calls),
          losses_(losses),
          batches_(batches) {}

    std::unique_ptr<Dialect> run() {
        if (head_.lost) return by_shape();
        const std::optional<Method> method = method_of(head_);
        if (!method) return nullptr;
        if (is_grpc(head_)) return grpc();
        if (auto found = by_path(*method)) return found;
        return *method == Method::post && may_be_json(head_) ? by_body() : nullptr;
    }

 private:
    std::unique_ptr<Dialect> by_path(Method method);
    const Route* first_match(std::span<const Route> routes, Method method);
    std::unique_ptr<Dialect> by_body();
    std::unique_ptr<Dialect> by_shape();
    std::unique_ptr<Dialect> grpc();

    const Bodies& bodies() {
        if (!parsed_) parsed_.emplace(clues_);
        return **parsed_;
    }
    void seed(std::string_view dialect, std::string_view operation) {
        calls_.seed.provider = provider_of(head_.authority, clues_.server_name, clues_.server_is_private);
        calls_.seed.dialect = dialect;
        calls_.seed.operation = operation;
    }
    Recognised recognised() { return {target_, head_, calls_, losses_}; }
    // A plain exchange is one call, and it has begun.
    std::unique_ptr<Dialect> begun(std::unique_ptr<Dialect> dialect) {
        if (dialect) calls_.open();
        return dialect;
    }

    const Clues& clues_;
    const model::MessageHead& head_;
    Target target_;
    Calls& calls_;
    model::LossCounters& losses_;
    Batches batches_;
    std::optional<ParsedBodies> parsed_;
};

const Route* Recogniser::first_match(std::span<const Route> routes, Method method) {
    const bool model_host = is_model_host(head_.authority, clues_.server_name);
    const std::uint16_t port = head_.authority.empty() ? clues_.server_port : port_of(head_.authority);
    for (const Route& route : routes) {
        if (route.method != method || !target_.ends_in(route.path)) continue;
        if (is_certain(route, model_host, port) || route.confirms(bodies())) return &route;
    }
    return nullptr;
}

std::unique_ptr<Dialect> Recogniser::by_path(Method method) {
    if (const Route* route = first_match(routes(), method)) {
        seed(route->dialect, route->operation);
        auto dialect = route->make(recognised());
        return method == Method::websocket ? std::move(dialect) : begun(std::move(dialect));
    }
    const Route* const batch = batches_ == Batches::counted ? first_match(batch_routes(), method) : nullptr;
    if (batch == nullptr) return nullptr;
    seed(batch->dialect, batch->operation);
    return batch->make(recognised());
}

std::unique_ptr<Dialect> Recogniser::by_body() {
    std::string_view name;
    if (is_a2a(bodies())) {
        name = "a2a.jsonrpc";
    } else if (is_mcp(bodies()) || (bears_mcp_headers(head_) && is_mcp_by_name(bodies()))) {
        name = "mcp";
    } else if (target_.path().find_first_not_of('/') == std::string_view::npos && bodies().response &&
               is_tgi(bodies())) {
        name = "tgi.generate";  // TGI answers at the root as well
    } else {
        return nullptr;
    }
    seed(name, operation_of(name));
    return begun(make_by_name(name, recognised()));
}

std::unique_ptr<Dialect> Recogniser::by_shape() {
    if (is_websocket(head_)) {
        const auto name = websocket_dialect_by_shape(bodies());
        if (!name) return nullptr;
        const bool responses = *name == "openai.responses.ws";
        seed(responses ? "openai.responses" : *name, responses ? "chat" : "realtime");
        if (responses) return std::make_unique<OpenaiResponsesWs>(losses_);
        if (*name == "gemini.live.ws") return std::make_unique<GeminiLive>(losses_);
        return std::make_unique<OpenaiRealtime>(losses_);
    }
    const auto name = dialect_by_shape(bodies());
    if (!name) return nullptr;
    seed(*name, operation_of(*name));
    return begun(make_by_name(*name, recognised()));
}

std::unique_ptr<Dialect> Recogniser::grpc() {
    if (!is_grpc_model_service(target_.path())) return nullptr;
    seed("grpc", "chat");
    return begun(std::make_unique<Grpc>(losses_));
}

Interest by_path(const model::MessageHead& request, Method method, const Target& target,
                 std::span<const Route> routes) {
    const bool model_host = is_model_host(request.authority, {});
    bool maybe = false;
    for (const Route& route : routes) {
        if (route.method != method || !target.ends_in(route.path)) continue;
        // A less certain route before this one may still be the right one: both need the body then.
        if (is_certain(route, model_host, port_of(request.authority))) return maybe ? Interest::maybe : Interest::sure;
        maybe = true;
    }
    return maybe ? Interest::maybe : Interest::none;
}

}  // namespace

Interest interest(const model::MessageHead& request, Batches batches) {
    if (request.lost) return Interest::maybe;
    const std::optional<Method> method = method_of(request);
    if (!method) return Interest::none;
    const Target target(request.target);
    if (is_grpc(request)) return is_grpc_model_service(target.path()) ? Interest::sure : Interest::none;
    const Interest of_path = by_path(request, *method, target, routes());
    if (of_path != Interest::none) return of_path;
    if (batches == Batches::counted) {
        const Interest of_file = by_path(request, *method, target, batch_routes());
        if (of_file != Interest::none) return of_file;
    }
    return *method == Method::post && may_be_json(request) ? Interest::maybe : Interest::none;
}

std::unique_ptr<Dialect> recognise(const Clues& clues, Calls& calls, model::LossCounters& losses, Batches batches) {
    if (clues.request == nullptr) return nullptr;
    return Recogniser(clues, calls, losses, batches).run();
}

}  // namespace llmsnoop::llm
