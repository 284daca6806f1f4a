#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <utility>

#include "agent/app/agent.h"
#include "agent/app/blind_spots.h"
#include "agent/app/commands.h"
#include "agent/app/live.h"
#include "agent/app/prices.h"
#include "agent/app/signals.h"
#include "agent/app/stop_request.h"
#include "agent/app/version.h"
#include "agent/base/log.h"
#include "exporters/api/api_server.h"
#include "exporters/api/record_stream.h"
#include "exporters/audit/audit_sink.h"
#include "exporters/prometheus/metrics.h"
#include "exporters/prometheus/metrics_server.h"
#include "exporters/prometheus/prometheus_sink.h"
#include "exporters/store/clickhouse.h"
#include "exporters/store/sqlite_reader.h"
#include "exporters/store/sqlite_writer.h"
#include "exporters/store/store_sink.h"

namespace llmsnoop::app {

namespace {

exporters::AuditOptions audit_options(const Config& config) {
    using Sync = exporters::AuditLogOptions::Sync;
    exporters::AuditOptions out;
    out.node = node_name(config);
    out.log.directory = config.audit.directory;
    out.log.sync = config.audit.fsync == "always"  ? Sync::always
                   : config.audit.fsync == "never" ? Sync::never
                                                   : Sync::interval;
    out.log.sync_interval = config.audit.fsync_interval;
    out.log.file_bytes = config.audit.rotate_bytes;
    out.log.file_age = config.audit.rotate_after;
    out.log.keep_files = config.audit.keep_files;
    out.log.keep_bytes = config.audit.keep_bytes;
    return out;
}

exporters::MetricsOptions metrics_options(const Config& config) {
    exporters::MetricsOptions out;
    out.limits.models = config.metrics.max_models;
    out.limits.processes = config.metrics.max_processes;
    out.limits.pods = config.metrics.max_pods;
    out.limits.series = config.metrics.max_series;
    if (config.metrics.expire_after.count() != 0) out.series_idle = config.metrics.expire_after;
    out.build_info = {{"version", kVersion}};
    return out;
}

base::Result<std::unique_ptr<exporters::Sink>> open_store(const Config& config) {
    exporters::store::SqliteOptions options;
    options.path = config.store.path;
    options.keep_for = config.store.keep_for;
    options.max_bytes = config.store.max_bytes;
    options.keep_records = config.store.keep_records;
    auto writer = exporters::store::SqliteWriter::create(std::move(options));
    if (!writer) {
        return base::error(
            config.origin_of("store.path") + ": " + writer.error().message + " (store.enabled: false does without)",
            writer.error().kind);
    }
    exporters::store::StoreSinkOptions sink;
    sink.node = node_name(config);
    return std::unique_ptr<exporters::Sink>(
        std::make_unique<exporters::store::StoreSink>(std::move(sink), std::move(*writer)));
}

base::Result<std::unique_ptr<exporters::Sink>> open_clickhouse(const Config& config) {
    auto writer = exporters::store::ClickhouseWriter::create(clickhouse_options(config),
                                                             {config.store.spool_directory, config.store.spool_bytes});
    if (!writer)
        return base::error(config.origin_of("store.clickhouse_url") + ": " + writer.error().message,
                           writer.error().kind);
    exporters::store::StoreSinkOptions sink;
    sink.node = node_name(config);
    return std::unique_ptr<exporters::Sink>(
        std::make_unique<exporters::store::StoreSink>(std::move(sink), std::move(*writer)));
}

base::Result<std::unique_ptr<exporters::api::ApiServer>> start_api(const Config& config,
                                                                   std::shared_ptr<exporters::api::RecordStream> stream,
                                                                   std::shared_ptr<exporters::RefusalCounters> refusals,
                                                                   const std::atomic<bool>& tracing,
                                                                   const std::atomic<Agent*>& agent) {
    exporters::api::ApiOptions options;
    options.listen = config.api.listen;
    options.token_file = config.api.token_file;
    options.tls_certificate = config.api.tls_certificate;
    options.tls_key = config.api.tls_key;
    options.insecure = config.api.insecure;
    options.max_streams = config.api.max_streams;
    options.refusals = std::move(refusals);
    exporters::api::ApiSources sources;
    if (config.store.enabled) sources.store = std::make_shared<exporters::store::SqliteReader>(config.store.path);
    sources.stream = std::move(stream);
    sources.doctor = [config] { return doctor_json(config); };
    sources.ready = [&tracing] { return tracing.load(); };
    sources.blind = [&agent]() -> std::string {
        Agent* const running = agent.load();
        return running != nullptr && running->blind_spots() != nullptr ? blind_json(running->blind_processes()) : "";
    };
    return exporters::api::ApiServer::start(std::move(options), std::move(sources));
}

void report_outcome(const Agent& agent, const model::LossCounters& losses) {
    for (const exporters::SinkStop& one : agent.outcome()) {
        base::log::info("{}: {} records written, {} dropped, {} failed, {} abandoned", one.counters.name,
                        one.counters.written, one.counters.dropped, one.counters.failed, one.abandoned);
    }
    base::log::info("stopped after {}", describe_outcome(agent, losses));
}

base::Result<void> run(const CommonOptions& options) {
    const auto config = options.config();
    if (!config) return config.error();
    set_log_level(*config);

    // What can be wrong with the configuration shows before anything is attached.
    model::LossCounters losses;
    std::unique_ptr<exporters::AuditSink> audit;
    if (config->audit.enabled) {
        auto created = exporters::AuditSink::create(audit_options(*config));
        if (!created) return created.error();
        audit = std::move(*created);
    }
    std::unique_ptr<exporters::Sink> store;
    if (config->store.enabled) {
        auto opened = open_store(*config);
        if (!opened) return opened.error();
        store = std::move(*opened);
    }
    std::unique_ptr<exporters::Sink> clickhouse;
    if (!config->store.clickhouse_url.empty()) {
        auto opened = open_clickhouse(*config);
        if (!opened) return opened.error();
        clickhouse = std::move(*opened);
    }
    const auto pricing = load_prices(*config);
    if (!pricing) return pricing.error();
    // Before any other thread, so that they all inherit the mask.
    StopRequest stop;
    const auto reopen = audit ? audit->reopen_flag() : nullptr;  // outlives the sink, which the fan-out closes
    const Signals signals([&] { stop.make(); },
                          [&] {
                              if (reopen) reopen->store(true);
                          });
    const auto metrics = std::make_shared<exporters::Metrics>(metrics_options(*config), losses);
    std::unique_ptr<exporters::MetricsServer> server;
    if (config->metrics.enabled) {
        const auto refusals = std::make_shared<exporters::RefusalCounters>();
        metrics->set_http_refusals("metrics", refusals);
        auto started = exporters::MetricsServer::start(config->metrics.listen, metrics, refusals);
        if (!started) return started.error();
        server = std::move(*started);
        base::log::info("metrics on port {}", server->port());
    }

    std::atomic<bool> tracing{false};
    std::atomic<Agent*> running{nullptr};
    std::shared_ptr<exporters::api::RecordStream> stream;
    std::unique_ptr<exporters::api::ApiServer> api;
    if (config->api.enabled) {
        stream = std::make_shared<exporters::api::RecordStream>(config->api.max_streams);
        const auto refusals = std::make_shared<exporters::RefusalCounters>();
        metrics->set_http_refusals("api", refusals);
        auto started = start_api(*config, stream, refusals, tracing, running);
        if (!started) return started.error();
        api = std::move(*started);
        base::log::info("API on port {}", api->port());
    }

    auto source = open_live(*config, Shards::by_configuration, losses);
    if (!source) return source.error();
    Agent agent(*config, **source, **pricing, attribution::ProcessTable::Facts::from_events_and_proc,
                exporters::FanOutOptions::WhenFull::drop, losses);
    agent.sinks().add(std::make_unique<exporters::PrometheusSink>(metrics));
    if (audit) agent.sinks().add(std::move(audit));
    if (store) agent.sinks().add(std::move(store));
    if (clickhouse) agent.sinks().add(std::move(clickhouse));
    if (stream) agent.sinks().add(std::make_unique<exporters::api::RecordStreamSink>(stream, node_name(*config)));
    // What is not heard of TLS connections is no sign that there are none.
    if ((*source)->programs().plain_hook() != capture::live::PlainHook::none) {
        agent.look_for_blind_spots(blind_options(*config));
        metrics->set_blind_processes([&agent] { return agent.blind_spots()->by_reason(); });
    }
    running = &agent;
    metrics->set_traffic(&agent.traffic());
    metrics->set_unpriced(&(*pricing)->unpriced());
    metrics->set_budgets([&memory = agent.memory()] {
        const auto used = static_cast<double>(memory.used());
        return std::map<std::string, double>{{"memory", used / static_cast<double>(memory.limit())}};
    });
    metrics->set_pods([&pods = agent.pods()] { return pods.names_present(); });
    metrics->set_sink_counters([&agent] { return agent.sinks().counters(); });
    const StopRequest::Target target(stop, [&] {
        base::log::info("stopping: delivering what is open");
        agent.stop();
    });
    base::log::info("llmsnoop {} is tracing", kVersion);
    tracing = true;
    auto result = agent.run();
    server.reset();  // nobody asks for counters any more
    api.reset();
    report_outcome(agent, losses);
    return result ? check_outcome(agent) : result;
}

}  // namespace

int run_command(const CommonOptions& options) {
    if (auto done = run(options); !done) return report(done.error());
    return kSuccess;
}

}  // namespace llmsnoop::app
