#pragma once
// An HTTP server for a few endpoints that are read: what the metrics and the API share. civetweb does the HTTP; a front
// of our own (front.h) stands before it, does TLS, and keeps those away who are silent or slow.
//
// Requests are bounded (16 KiB for line and headers, bodies are not read), and a request occupies one of `threads`
// threads until it is answered. All threads are the server's own; destroying it ends them.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "exporters/web/channel.h"
#include "exporters/web/refusals.h"

struct mg_connection;

namespace llmsnoop::exporters {

class WebRequest {
 public:
    struct Header {
        std::string_view name;
        std::string_view value;
    };

    std::string_view method() const;
    std::string_view path() const;  // decoded
    std::optional<std::string_view> header(const char* name) const;
    bool has_body() const;
    // The query's parameters, decoded, in their order. An error if one is ill-formed.
    base::Result<std::vector<std::pair<std::string, std::string>>> query() const;

    // The answer as a whole. To HEAD without the body.
    void reply(int status, std::string_view type, std::string_view body, const std::vector<Header>& headers = {});
    // Or an answer without end: its head, and then pieces. False: nobody reads any more, or the server is stopping.
    bool begin_stream(std::string_view type, const std::vector<Header>& headers = {});
    bool write(std::string_view piece);
    bool stopping() const;

    int status() const { return status_; }  // of the reply; 0: none yet

 private:
    friend class WebServer;
    WebRequest(mg_connection* connection, const bool* stopping) : connection_(connection), stopping_(stopping) {}

    mg_connection* connection_;
    const bool* stopping_;
    int status_ = 0;
};

class WebServer {
 public:
    struct Options {
        std::string name;     // "metrics": for messages
        std::string address;  // 127.0.0.1:9464
        std::size_t threads = 4;
        std::chrono::milliseconds timeout{10'000};  // for what a client owes: handshake, request, taking the answer
        std::optional<TlsFiles> tls = {};
        std::function<void(WebRequest&)> handler;                // from any of the threads; answers every request
        std::function<std::string(int status)> error_body = {};  // of requests that are no HTTP; JSON
        std::shared_ptr<RefusalCounters> refusals = {};          // absent: nobody wants to know
    };

    // An address that cannot be understood is an Error of kind usage, one that cannot be listened on says why.
    static base::Result<std::unique_ptr<WebServer>> start(Options options);
    ~WebServer();
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    std::uint16_t port() const;

 private:
    struct State;
    explicit WebServer(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace llmsnoop::exporters
