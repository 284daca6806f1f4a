#include "exporters/prometheus/metrics_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "agent/base/fd.h"
#include "exporters/prometheus/open_metrics.h"
#include "exporters/signals_blocked.h"

namespace llmsnoop::exporters {

namespace {

// A connection occupies a thread until it is answered or times out, so one scraper that hangs must not shut out the
// others.
constexpr const char* kThreads = "4";
constexpr const char* kTimeoutMs = "10000";
constexpr auto kKnockInterval = std::chrono::milliseconds(10);

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

std::optional<SocketAddress> parse_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;

    SocketAddress address;
    const std::string host(text.substr(0, colon));
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
        *v6 = {};
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address.size = sizeof *v6;
        if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6->sin6_addr) != 1) return std::nullopt;
        return address;
    }
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    *v4 = {};
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) return std::nullopt;
    return address;
}

void set_port(SocketAddress& address, std::uint16_t port) {
    if (address.storage.ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
    }
}

// civetweb looks whether it shall stop when its listening socket wakes it, and otherwise every two seconds only; so
// this knocks until it has stopped.
void stop_soon(mg_context* context, const SocketAddress& address) {
    std::atomic<bool> stopped{false};
    const SignalsBlocked blocked;
    std::thread knocker([&] {
        while (!stopped) {
            const base::Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            // Whether anybody answers does not matter.
            [[maybe_unused]] const int connected =
                ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
            std::this_thread::sleep_for(kKnockInterval);
        }
    });
    mg_stop(context);
    stopped = true;
    knocker.join();
}

std::string text_of(const ::prometheus::Collectable& metrics, bool open_metrics) {
    const auto families = metrics.Collect();
    return open_metrics ? open_metrics_text(families) : ::prometheus::TextSerializer().Serialize(families);
}

int refuse(mg_connection* connection) {
    mg_printf(connection,
              "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return 405;
}

// Called by civetweb's threads.
int answer(mg_connection* connection, void* metrics) {
    const mg_request_info* request = mg_get_request_info(connection);
    const std::string_view method = request->request_method;
    if (method != "GET" && method != "HEAD") return refuse(connection);
    const bool open_metrics = prefers_open_metrics(mg_get_header(connection, "Accept"));
    const std::string body = text_of(*static_cast<const ::prometheus::Collectable*>(metrics), open_metrics);
    mg_printf(connection, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
              open_metrics ? kOpenMetricsType : kPrometheusTextType, body.size());
    if (method == "GET") mg_write(connection, body.data(), body.size());
    return 200;
}

// civetweb tells of errors by log messages, from any of its threads; without a receiver they would go to a file.
struct FirstMessage {
    std::mutex mutex;
    std::string text;
};

int keep_first_message(const mg_connection* connection, const char* message) {
    if (connection == nullptr) return 1;
    auto* kept = static_cast<FirstMessage*>(mg_get_user_data(mg_get_context(connection)));
    const std::lock_guard lock(kept->mutex);
    if (kept->text.empty()) kept->text = message;
    return 1;
}

}  // namespace

bool is_listen_address(std::string_view address) {
    return parse_address(address).has_value();
}

struct MetricsServer::State {
    std::shared_ptr<const ::prometheus::Collectable> metrics;
    FirstMessage message;
    SocketAddress address;
    mg_context* context = nullptr;
};

MetricsServer::MetricsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

MetricsServer::~MetricsServer() {
    stop_soon(state_->context, state_->address);
}

base::Result<std::unique_ptr<MetricsServer>> MetricsServer::start(
    const std::string& address, std::shared_ptr<const ::prometheus::Collectable> metrics) {
    const auto parsed = parse_address(address);
    if (!parsed) {
        return base::error("metrics: \"" + address + "\" is no address: want 127.0.0.1:9464 or [::1]:9464",
                           base::Error::Kind::usage);
    }
    auto state = std::make_unique<State>();
    state->metrics = std::move(metrics);
    state->address = *parsed;

    std::array<const char*, 11> options{"listening_ports",
                                        address.c_str(),
                                        "num_threads",
                                        kThreads,
                                        "request_timeout_ms",
                                        kTimeoutMs,
                                        "enable_directory_listing",
                                        "no",
                                        "enable_keep_alive",
                                        "no",
                                        nullptr};
    mg_callbacks callbacks{};
    callbacks.log_message = &keep_first_message;
    std::array<char, 256> reason{};
    mg_init_data init{&callbacks, &state->message, options.data()};
    mg_error_data error{nullptr, reason.data(), reason.size()};
    {
        const SignalsBlocked blocked;
        state->context = mg_start2(&init, &error);
    }
    if (state->context == nullptr) {
        const std::string& message = state->message.text;
        return base::error("metrics: cannot listen on " + address + ": " + (message.empty() ? reason.data() : message));
    }
    // "$" ends the pattern: /metrics and nothing below it.
    mg_set_request_handler(state->context, "/metrics$", &answer,
                           const_cast<::prometheus::Collectable*>(state->metrics.get()));
    std::unique_ptr<MetricsServer> server(new MetricsServer(std::move(state)));
    set_port(server->state_->address, server->port());
    return server;
}

std::uint16_t MetricsServer::port() const {
    mg_server_port port{};
    if (mg_get_server_ports(state_->context, 1, &port) < 1) return 0;
    return static_cast<std::uint16_t>(port.port);
}

}  // namespace llmsnoop::exporters
