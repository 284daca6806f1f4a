#pragma once
// Serves a Collectable on GET /metrics, as OpenMetrics text to those who ask for it and as Prometheus text (0.0.4) to
// all others, which prometheus-cpp's own exposer cannot.
//
// No authentication and no TLS: an address beyond loopback is the operator's decision. Owns its threads; destroying it
// ends them, and after that the collectable is not called any more.
#include <prometheus/collectable.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "agent/base/result.h"
#include "exporters/web/web_server.h"

namespace llmsnoop::exporters {

class MetricsServer {
 public:
    // `address`: "127.0.0.1:9464", "[::1]:9464"; port 0 takes a free one. An address that cannot be understood is an
    // Error of kind usage, one that cannot be listened on says why.
    // `refusals`: of connections.
    static base::Result<std::unique_ptr<MetricsServer>> start(const std::string& address,
                                                              std::shared_ptr<const ::prometheus::Collectable> metrics,
                                                              std::shared_ptr<RefusalCounters> refusals = {});
    std::uint16_t port() const { return server_->port(); }

 private:
    explicit MetricsServer(std::unique_ptr<WebServer> server) : server_(std::move(server)) {}

    std::unique_ptr<WebServer> server_;
};

}  // namespace llmsnoop::exporters
