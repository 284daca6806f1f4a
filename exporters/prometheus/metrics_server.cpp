#include "exporters/prometheus/metrics_server.h"

#include <prometheus/text_serializer.h>

#include "exporters/prometheus/open_metrics.h"

namespace llmsnoop::exporters {

namespace {

// One scraper that hangs must not shut out the others.
constexpr std::size_t kThreads = 4;

std::string text_of(const ::prometheus::Collectable& metrics, bool open_metrics) {
    const auto families = metrics.Collect();
    return open_metrics ? open_metrics_text(families) : ::prometheus::TextSerializer().Serialize(families);
}

void answer(WebRequest& request, const ::prometheus::Collectable& metrics) {
    if (request.path() != "/metrics") return request.reply(404, "text/plain", "there is only /metrics\n");
    if (request.method() != "GET" && request.method() != "HEAD")
        return request.reply(405, "", "", {{"Allow", "GET, HEAD"}});
    const auto accept = request.header("Accept");
    const bool open_metrics = prefers_open_metrics(accept ? accept->data() : nullptr);
    request.reply(200, open_metrics ? kOpenMetricsType : kPrometheusTextType, text_of(metrics, open_metrics));
}

}  // namespace

base::Result<std::unique_ptr<MetricsServer>> MetricsServer::start(
    const std::string& address, std::shared_ptr<const ::prometheus::Collectable> metrics,
    std::shared_ptr<RefusalCounters> refusals) {
    WebServer::Options options;
    options.name = "metrics";
    options.address = address;
    options.threads = kThreads;
    options.refusals = std::move(refusals);
    options.handler = [metrics = std::move(metrics)](WebRequest& request) { answer(request, *metrics); };
    auto server = WebServer::start(std::move(options));
    if (!server) return server.error();
    return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(*server)));
}

}  // namespace llmsnoop::exporters
