#pragma once
// The HTTP API: what the store knows, and what goes on now. Read-only. exporters/api/openapi.json describes every path;
// it is served as /openapi.json.
//
// Beyond loopback it wants a bearer token and TLS. Without a token, requests must name this machine as their host, so
// that a web page cannot reach the API through the browser of somebody here. /healthz and /readyz are open to all:
// probes.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/api/record_stream.h"
#include "exporters/store/store_reader.h"
#include "exporters/web/web_server.h"

namespace llmsnoop::exporters::api {

struct ApiOptions {
    std::string listen = "127.0.0.1:9465";
    std::string token_file;  // read once
    std::string tls_certificate;
    std::string tls_key;
    bool insecure = false;        // beyond loopback without token or TLS
    std::size_t max_queries = 4;  // at a time; more are told to come again
    std::size_t max_streams = 16;
    base::Duration query_time = std::chrono::seconds(10);
    base::Duration heartbeat = std::chrono::seconds(5);
    std::chrono::milliseconds client_time{10'000};   // for the handshake, the request, and 16 KiB of the answer
    std::shared_ptr<RefusalCounters> refusals = {};  // of connections; absent: nobody wants to know
};

// Where the answers come from. What is absent answers 404.
struct ApiSources {
    std::shared_ptr<store::StoreReader> store;
    std::shared_ptr<RecordStream> stream;
    std::function<std::string()> doctor;  // JSON; may take long
    std::function<bool()> ready = {};     // absent: always
    // Processes that cannot be read, as a JSON array; empty: nobody looks for them.
    std::function<std::string()> blind = {};
};

class ApiServer {
 public:
    // An error of kind usage, if the address may not be listened on so.
    static base::Result<std::unique_ptr<ApiServer>> start(ApiOptions options, ApiSources sources);
    ~ApiServer();
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;

    std::uint16_t port() const;

 private:
    class Desk;
    ApiServer(std::shared_ptr<Desk> desk, std::unique_ptr<WebServer> server);

    std::shared_ptr<Desk> desk_;
    std::unique_ptr<WebServer> server_;
};

// The shipped file's text.
std::string_view openapi();

}  // namespace llmsnoop::exporters::api
