// Serves the agent's metrics, made by its own exporter from exchanges that are invented and go on: so that dashboards
// and rules can be tried without tracing anything. Everything that can go wrong does: losses, blind processes, full
// queues.
//
//   metrics_page [PORT]        prints READY port=N, and ends when its stdin does
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/exchange.h"
#include "exporters/prometheus/metrics.h"
#include "exporters/prometheus/metrics_server.h"

namespace {

using namespace llmsnoop;
using std::chrono::milliseconds;

struct Caller {
    const char* space;
    const char* pod;
    const char* workload;
    const char* process;
    const char* provider;
    const char* request_model;
    const char* model;
    const char* operation;
    std::uint64_t input;
    std::uint64_t output;
    milliseconds first;
    milliseconds all;
};

constexpr Caller kCallers[] = {
    {"shop", "assistant-7c9d-x2x", "assistant", "python3", "openai", "gpt-4o", "gpt-4o-2024-08-06", "chat", 900, 120,
     milliseconds(300), milliseconds(2100)},
    {"shop", "search-5f6b-k8w", "search", "node", "openai", "text-embedding-3-small", "text-embedding-3-small",
     "embeddings", 300, 0, milliseconds(0), milliseconds(80)},
    {"support", "agent-0", "agent", "claude", "anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "chat",
     4200, 350, milliseconds(650), milliseconds(6100)},
    {"", "", "", "curl", "self_hosted", "llama3", "llama3", "chat", 60, 30, milliseconds(90), milliseconds(900)},
};

model::Identity identity_of(const Caller& caller) {
    model::Identity out;
    out.process.comm = caller.process;
    if (*caller.pod != '\0') {
        model::Pod pod;
        pod.namespace_name = caller.space;
        pod.name = caller.pod;
        pod.container = "main";
        pod.workload_name = caller.workload;
        out.pod = pod;
    }
    return out;
}

model::Exchange make_exchange(const Caller& caller, std::uint64_t number) {
    model::Exchange out;
    out.role = model::Role::client;
    out.identity = identity_of(caller);
    out.llm.provider = caller.provider;
    out.llm.operation = caller.operation;
    out.llm.request_model = caller.request_model;
    out.llm.response_model = caller.model;
    out.llm.stream = caller.first.count() != 0;
    out.timing.started = base::now() - caller.all;
    out.timing.request_ended = out.timing.started;
    out.timing.ended = base::now();
    if (number % 10 == 9) {
        out.http.status = 429;
        out.llm.error = model::LlmError{"rate_limit_error", "", {}};
        return out;
    }
    out.http.status = 200;
    if (*out.llm.stream) {
        out.llm.timing.first = out.timing.started + caller.first;
        out.llm.timing.last = out.timing.ended;
    }
    out.usage.source = model::UsageSource::reported;
    out.usage.input = caller.input;
    out.usage.output = caller.output;
    out.usage.cache_read = caller.input / 3;
    out.usage.cache_write = caller.input / 30;
    out.usage.reasoning = caller.output / 4;
    out.cost = model::Cost{static_cast<double>(caller.input + 4 * caller.output) * 2.5e-6, model::Cost::Source::table,
                           "built-in"};
    if (number % 7 == 0) out.findings.push_back({"secret.api_key", "high", "prompt", 1});
    if (number % 11 == 0) out.completeness = model::Completeness::gap;
    return out;
}

void lose_some(model::LossCounters& losses) {
    losses.add(model::Loss::ring_full);
    losses.add(model::Loss::stream_gap);
    losses.add(model::Loss::label_limit);
    losses.add(model::Loss::queue_full);
    losses.add(model::Loss::sink_failed);
}

}  // namespace

int main(int argc, char** argv) {
    model::LossCounters losses;
    model::TrafficCounters traffic;
    model::UnpricedCounters unpriced;
    exporters::MetricsOptions options;
    options.build_info = {{"version", "0.0.0"}};
    const auto metrics = std::make_shared<exporters::Metrics>(options, losses);
    std::atomic<std::uint64_t> written{0};
    metrics->set_traffic(&traffic);
    metrics->set_unpriced(&unpriced);
    metrics->set_blind_processes([] { return std::map<std::string, double>{{"no_library", 2}}; });
    const auto refusals = std::make_shared<exporters::RefusalCounters>();
    metrics->set_http_refusals("api", refusals);
    metrics->set_budgets([] { return std::map<std::string, double>{{"memory", 0.97}}; });
    metrics->set_sink_counters([&written] {
        return std::vector<exporters::SinkCounters>{{"audit", 7900, written, written / 3, written / 5},
                                                    {"prometheus", 0, written, 0, 0}};
    });

    const auto server = exporters::MetricsServer::start(fmt::format("127.0.0.1:{}", argc > 1 ? argv[1] : "0"), metrics);
    if (!server) {
        fmt::print(stderr, "metrics_page: {}\n", server.error().message);
        return EXIT_FAILURE;
    }
    fmt::print("READY port={}\n", (*server)->port());
    std::fflush(stdout);

    const std::jthread work([&](const std::stop_token& stop) {
        for (const Caller& caller : kCallers) {
            model::ExchangeStarted started;
            started.id = caller.process;
            started.identity = identity_of(caller);
            started.llm = make_exchange(caller, 0).llm;
            started.started = base::now();
            metrics->started(started);
        }
        for (std::uint64_t number = 0; !stop.stop_requested(); ++number) {
            for (const Caller& caller : kCallers)
                metrics->exchange(make_exchange(caller, number));
            lose_some(losses);
            traffic.add(model::Traffic::sent_bytes, 4000);
            traffic.add(model::Traffic::sent_chunks);
            traffic.add(model::Traffic::received_bytes, 20000);
            traffic.add(model::Traffic::received_chunks, 20);
            unpriced.add(model::Unpriced::unknown_model);
            written += 4;
            std::this_thread::sleep_for(milliseconds(50));
        }
    });
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return EXIT_SUCCESS;
}
