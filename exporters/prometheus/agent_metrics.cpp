#include "exporters/prometheus/agent_metrics.h"

#include <utility>

namespace llmsnoop::exporters {

namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

void add_sample(MetricFamily& family, Labels labels, double value) {
    ClientMetric sample;
    sample.label = std::move(labels);
    if (family.type == MetricType::Counter) {
        sample.counter.value = value;
    } else {
        sample.gauge.value = value;
    }
    family.metric.push_back(std::move(sample));
}

MetricFamily gauge_by(std::string name, std::string help, const std::string& label,
                      const std::map<std::string, double>& values) {
    MetricFamily family{std::move(name), std::move(help), MetricType::Gauge, {}};
    for (const auto& [value, number] : values)
        add_sample(family, {{label, value}}, number);
    return family;
}

}  // namespace

MetricFamily loss_family(const model::LossCounters& losses) {
    MetricFamily family{"llmsnoop_lost_total",
                        "What was lost between a probe and an exporter, by stage and reason.",
                        MetricType::Counter,
                        {}};
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        const auto loss = static_cast<model::Loss>(i);
        const model::LossText& text = model::text_of(loss);
        add_sample(family, {{"stage", std::string(text.stage)}, {"reason", std::string(text.name)}},
                   static_cast<double>(losses.get(loss)));
    }
    return family;
}

void add_traffic_families(std::vector<MetricFamily>& families, const model::TrafficCounters& traffic) {
    using model::Traffic;
    const auto by_direction = [&](const char* name, const char* help, Traffic sent, Traffic received) {
        MetricFamily family{name, help, MetricType::Counter, {}};
        add_sample(family, {{"direction", "sent"}}, static_cast<double>(traffic.get(sent)));
        add_sample(family, {{"direction", "received"}}, static_cast<double>(traffic.get(received)));
        families.push_back(std::move(family));
    };
    by_direction("llmsnoop_captured_bytes_total",
                 "Plaintext bytes that reached the agent, as the traced process sees them.", Traffic::sent_bytes,
                 Traffic::received_bytes);
    by_direction("llmsnoop_captured_chunks_total", "Pieces in which they came, mostly one a TLS call.",
                 Traffic::sent_chunks, Traffic::received_chunks);
}

MetricFamily unpriced_family(const model::UnpricedCounters& unpriced) {
    MetricFamily family{
        "llmsnoop_unpriced_total", "Calls that used tokens but got no cost, by reason.", MetricType::Counter, {}};
    for (std::size_t i = 0; i < model::kUnpricedCount; ++i) {
        const auto reason = static_cast<model::Unpriced>(i);
        add_sample(family, {{"reason", std::string(model::name_of(reason))}},
                   static_cast<double>(unpriced.get(reason)));
    }
    return family;
}

MetricFamily blind_process_family(const std::map<std::string, double>& by_reason) {
    return gauge_by("llmsnoop_blind_processes", "Processes that talk to model APIs but cannot be read, by reason.",
                    "reason", by_reason);
}

MetricFamily refusal_family(const RefusalsByServer& by_server) {
    MetricFamily family{"llmsnoop_http_refused_total",
                        "Connections to the agent's own servers that were ended unserved, by reason.",
                        MetricType::Counter,
                        {}};
    for (const auto& [server, counters] : by_server) {
        for (std::size_t i = 0; i < kRefusalCount; ++i) {
            const auto refusal = static_cast<Refusal>(i);
            add_sample(family, {{"server", server}, {"reason", std::string(name_of(refusal))}},
                       static_cast<double>(counters->get(refusal)));
        }
    }
    return family;
}

MetricFamily budget_family(const std::map<std::string, double>& by_budget) {
    return gauge_by("llmsnoop_budget_used_ratio", "Used part of each budget; more than 1 is beyond it.", "budget",
                    by_budget);
}

MetricFamily build_info_family(const std::map<std::string, std::string>& labels) {
    MetricFamily family{"llmsnoop_build_info", "Always 1; the labels say which build this is.", MetricType::Gauge, {}};
    Labels all;
    for (const auto& [name, value] : labels)
        all.push_back({name, value});
    add_sample(family, std::move(all), 1);
    return family;
}

void add_sink_families(std::vector<MetricFamily>& families, const std::vector<SinkCounters>& sinks) {
    MetricFamily queued{"llmsnoop_sink_queue_items", "Records that wait for the sink.", MetricType::Gauge, {}};
    MetricFamily dropped{
        "llmsnoop_sink_dropped_total", "Records that found the sink's queue full.", MetricType::Counter, {}};
    MetricFamily written{"llmsnoop_sink_written_total", "Records that the sink took.", MetricType::Counter, {}};
    MetricFamily failed{
        "llmsnoop_sink_failed_total", "Records that the sink could not write.", MetricType::Counter, {}};
    for (const SinkCounters& sink : sinks) {
        const Labels labels{{"sink", sink.name}};
        add_sample(queued, labels, static_cast<double>(sink.queued));
        add_sample(dropped, labels, static_cast<double>(sink.dropped));
        add_sample(written, labels, static_cast<double>(sink.written));
        add_sample(failed, labels, static_cast<double>(sink.failed));
    }
    for (MetricFamily* family : {&queued, &dropped, &written, &failed})
        families.push_back(std::move(*family));
}

}  // namespace llmsnoop::exporters
