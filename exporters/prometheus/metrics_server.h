#pragma once
// Serves a Collectable on GET /metrics, as OpenMetrics text to those who ask for it and as Prometheus text (0.0.4) to
// all others. civetweb, the server that prometheus-cpp's own exposer uses, does the HTTP; that exposer itself knows no
// OpenMetrics.
//
// No authentication and no TLS: an address beyond loopback is the operator's decision. Owns its threads; destroying it
// ends them, and after that the collectable is not called any more.
#include <prometheus/collectable.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace llmsnoop::exporters {

// Whether MetricsServer understands it; says nothing about whether it can be listened on.
bool is_listen_address(std::string_view address);

class MetricsServer {
 public:
    // `address`: "127.0.0.1:9464", "[::1]:9464"; port 0 takes a free one. An address that cannot be understood is an
    // Error of kind usage, one that cannot be listened on says why.
    static base::Result<std::unique_ptr<MetricsServer>> start(const std::string& address,
                                                              std::shared_ptr<const ::prometheus::Collectable> metrics);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    std::uint16_t port() const;

 private:
    struct State;
    explicit MetricsServer(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace llmsnoop::exporters
