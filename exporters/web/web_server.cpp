#include "exporters/web/web_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/base/fd.h"
#include "exporters/signals_blocked.h"
#include "exporters/web/front.h"
#include "exporters/web/listen_address.h"

namespace llmsnoop::exporters {

namespace {

constexpr auto kKnockInterval = std::chrono::milliseconds(10);
constexpr std::size_t kMostParameters = 32;

const char* reason_of(int status) {
    return mg_get_response_code_text(nullptr, status);
}

// civetweb looks whether it shall stop when its listening socket wakes it, and otherwise every two seconds only; so
// this knocks until it has stopped.
void stop_soon(mg_context* context, const ListenAddress& address) {
    std::atomic<bool> stopped{false};
    const SignalsBlocked blocked;
    std::thread knocker([&] {
        while (!stopped) {
            const base::Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            // Whether anybody answers does not matter.
            [[maybe_unused]] const int connected = ::connect(fd.get(), address.get(), address.size);
            std::this_thread::sleep_for(kKnockInterval);
        }
    });
    mg_stop(context);
    stopped = true;
    knocker.join();
}

base::Result<std::string> decoded(std::string_view text) {
    std::string out(text.size() + 1, '\0');
    constexpr int kIsForm = 1;  // a plus is a space
    const int size =
        mg_url_decode(text.data(), static_cast<int>(text.size()), out.data(), static_cast<int>(out.size()), kIsForm);
    if (size < 0) return base::error("a parameter of the query is ill-formed", base::Error::Kind::usage);
    out.resize(static_cast<std::size_t>(size));
    return out;
}

}  // namespace

std::string_view WebRequest::method() const {
    return mg_get_request_info(connection_)->request_method;
}

std::string_view WebRequest::path() const {
    const char* path = mg_get_request_info(connection_)->local_uri;
    return path == nullptr ? std::string_view() : path;
}

std::optional<std::string_view> WebRequest::header(const char* name) const {
    const char* value = mg_get_header(connection_, name);
    return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

bool WebRequest::has_body() const {
    return mg_get_request_info(connection_)->content_length > 0 || header("Transfer-Encoding");
}

base::Result<std::vector<std::pair<std::string, std::string>>> WebRequest::query() const {
    std::vector<std::pair<std::string, std::string>> out;
    const char* raw = mg_get_request_info(connection_)->query_string;
    std::string_view rest = raw == nullptr ? "" : raw;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (one.empty()) continue;
        const std::size_t equals = std::min(one.find('='), one.size());
        auto name = decoded(one.substr(0, equals));
        auto value = decoded(one.substr(std::min(equals + 1, one.size())));
        if (!name) return name.error();
        if (!value) return value.error();
        out.emplace_back(std::move(*name), std::move(*value));
        if (out.size() > kMostParameters) return base::error("too many parameters", base::Error::Kind::usage);
    }
    return out;
}

void WebRequest::reply(int status, std::string_view type, std::string_view body, const std::vector<Header>& headers) {
    status_ = status;
    std::string head = "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) + "\r\n";
    if (!type.empty()) head += "Content-Type: " + std::string(type) + "\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n";
    for (const Header& one : headers)
        head += std::string(one.name) + ": " + std::string(one.value) + "\r\n";
    head += "\r\n";
    if (mg_write(connection_, head.data(), head.size()) < 0 || method() == "HEAD") return;
    mg_write(connection_, body.data(), body.size());
}

bool WebRequest::begin_stream(std::string_view type, const std::vector<Header>& headers) {
    status_ = 200;
    std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + std::string(type) + "\r\n";
    for (const Header& one : headers)
        head += std::string(one.name) + ": " + std::string(one.value) + "\r\n";
    return write(head + "\r\n");
}

bool WebRequest::write(std::string_view piece) {
    return !stopping() && mg_write(connection_, piece.data(), piece.size()) == static_cast<int>(piece.size());
}

bool WebRequest::stopping() const {
    return __atomic_load_n(stopping_, __ATOMIC_RELAXED);
}

struct WebServer::State {
    Options options;
    // civetweb tells of errors by log messages, from any of its threads; without a receiver they would go to a file.
    std::mutex mutex;
    std::string first_message;
    ListenAddress address;  // civetweb's own, behind the front
    bool stopping = false;
    mg_context* context = nullptr;
    std::unique_ptr<Front> front;

    static State& of(const mg_connection* connection) {
        return *static_cast<State*>(mg_get_user_data(mg_get_context(connection)));
    }

    static int keep_first_message(const mg_connection* connection, const char* message) {
        if (connection == nullptr || mg_get_context(connection) == nullptr) return 1;
        State& state = of(connection);
        const std::lock_guard lock(state.mutex);
        if (state.first_message.empty()) state.first_message = message;
        return 1;
    }

    static int answer(mg_connection* connection, void* data) {
        State& state = *static_cast<State*>(data);
        WebRequest request(connection, &state.stopping);
        state.options.handler(request);
        return request.status() == 0 ? 500 : request.status();
    }

    static int answer_error(mg_connection* connection, int status, const char* /*message*/) {
        State& state = of(connection);
        if (!state.options.error_body) return 1;  // civetweb's own page
        const std::string text = state.error_answer(status);
        mg_write(connection, text.data(), text.size());
        return 0;
    }

    std::string error_answer(int status, const std::string& more = {}) const {
        const std::string body = options.error_body ? options.error_body(status) : "";
        return "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) + "\r\n" +
               (body.empty() ? "" : "Content-Type: application/problem+json\r\n") +
               "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" + more + "\r\n" + body;
    }
};

WebServer::WebServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

WebServer::~WebServer() {
    __atomic_store_n(&state_->stopping, true, __ATOMIC_RELAXED);
    state_->front.reset();
    if (state_->context != nullptr) stop_soon(state_->context, state_->address);
}

base::Result<std::unique_ptr<WebServer>> WebServer::start(Options options) {
    const auto parsed = parse_listen_address(options.address);
    if (!parsed) {
        return base::error(
            options.name + ": \"" + options.address + "\" is no address: want 127.0.0.1:9464 or [::1]:9464",
            base::Error::Kind::usage);
    }
    auto state = std::make_unique<State>();
    state->options = std::move(options);
    const Options& wanted = state->options;
    state->address = *parsed;
    // civetweb listens where nobody beyond this machine can reach it. A thread of its own is occupied by whoever
    // connects, and Debian's looks for an OpenSSL that Debian does not have: both are the front's.
    const std::string address = "127.0.0.1:0";
    state->address = *parse_listen_address(address);

    const std::string threads = std::to_string(wanted.threads);
    const std::string timeout = std::to_string(wanted.timeout.count());
    std::array<const char*, 11> settings{"listening_ports",
                                         address.c_str(),
                                         "num_threads",
                                         threads.c_str(),
                                         "request_timeout_ms",
                                         timeout.c_str(),
                                         "enable_directory_listing",
                                         "no",
                                         "enable_keep_alive",
                                         "no",
                                         nullptr};
    mg_callbacks callbacks{};
    callbacks.log_message = &State::keep_first_message;
    callbacks.http_error = &State::answer_error;
    std::array<char, 256> reason{};
    mg_init_data init{&callbacks, state.get(), settings.data()};
    mg_error_data error{nullptr, reason.data(), reason.size()};
    {
        const SignalsBlocked blocked;
        state->context = mg_start2(&init, &error);
    }
    if (state->context == nullptr) {
        const std::string& message = state->first_message;
        return base::error(wanted.name + ": cannot listen on " + address + ": " +
                           (message.empty() ? reason.data() : message));
    }
    mg_set_request_handler(state->context, "/**", &State::answer, state.get());
    mg_server_port port{};
    if (mg_get_server_ports(state->context, 1, &port) == 1)
        state->address.set_port(static_cast<std::uint16_t>(port.port));
    Front::Options front;
    front.name = wanted.name;
    front.address = *parsed;
    front.address_text = wanted.address;
    front.tls = wanted.tls;
    front.behind = state->address;
    front.requests = wanted.threads;
    front.timeout = wanted.timeout;
    front.answers = {state->error_answer(408), state->error_answer(431),
                     state->error_answer(503, "Retry-After: 1\r\n")};
    front.refusals = wanted.refusals ? wanted.refusals : std::make_shared<RefusalCounters>();
    auto started = Front::start(std::move(front));
    if (!started) {
        stop_soon(state->context, state->address);
        return started.error();
    }
    state->front = std::move(*started);
    return std::unique_ptr<WebServer>(new WebServer(std::move(state)));
}

std::uint16_t WebServer::port() const {
    return state_->front->port();
}

}  // namespace llmsnoop::exporters
