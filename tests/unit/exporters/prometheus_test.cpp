// The metrics as a scraper sees them.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "exporters/prometheus/prometheus_sink.h"
#include "tests/unit/exporters/metrics_fixture.h"

namespace llmsnoop::exporters {
namespace {

using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;

TEST_F(MetricsTest, CountsTokensByTypeAndSource) {
    model::Exchange exchange = chat_exchange("app", "gpt-4o", 100, 20);
    exchange.usage.cache_read = 40;
    exchange.usage.reasoning = 0;
    metrics().exchange(exchange);
    metrics().exchange(exchange);
    exchange.usage.source = model::UsageSource::estimated;
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="input")", R"(source="reported")"}), 200);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="output")", R"(source="reported")"}), 40);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="cache_read")", R"(source="reported")"}), 80);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="input")", R"(source="estimated")"}), 100);
}

TEST_F(MetricsTest, AZeroMakesASampleAndAnUnknownCountNone) {
    model::Exchange exchange = chat_exchange("app", "gpt-4o", 100, 0);
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="output")"}), 0);
    EXPECT_THAT(text(), Not(HasSubstr("type=\"cache_read\"")));
}

TEST_F(MetricsTest, SamplesCarryTheIdentity) {
    metrics().exchange(*cleared(full_exchange()));
    EXPECT_EQ(value("llmsnoop_tokens_total",
                    {R"(namespace="prod")", R"(pod="app-7c9")", R"(container="app")", R"(workload="app")",
                     R"(process="python3")", R"(provider="openai")", R"(model="gpt-4o-2024-08-06")",
                     R"(operation="chat")", R"(role="client")", R"(type="input")", R"(source="adjusted")"}),
              1234);
    EXPECT_EQ(value("llmsnoop_findings_total", {R"(rule="budget.near")"}), 1);
    EXPECT_EQ(value("llmsnoop_cost_usd_total"), 0.0125);
    EXPECT_EQ(value("llmsnoop_exchanges_total", {R"(completeness="complete")"}), 1);
}

TEST_F(MetricsTest, TellsWhyCallsHaveNoCost) {
    EXPECT_THAT(text(), Not(HasSubstr("llmsnoop_unpriced_total")));
    model::UnpricedCounters unpriced;
    unpriced.add(model::Unpriced::unknown_model, 3);
    metrics().set_unpriced(&unpriced);
    EXPECT_EQ(value("llmsnoop_unpriced_total", {R"(reason="unknown_model")"}), 3);
    EXPECT_EQ(value("llmsnoop_unpriced_total", {R"(reason="unknown_count")"}), 0);
    EXPECT_EQ(value("llmsnoop_unpriced_total", {R"(reason="no_price")"}), 0);
}

TEST_F(MetricsTest, OutsideKubernetesThePodLabelsAreEmpty) {
    model::Exchange exchange = chat_exchange("", "gpt-4o", 1, 1);
    exchange.identity.process.exe = "/opt/bin/tool";
    exchange.identity.container = model::Container{"0123456789abcdef", "docker", "", ""};
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(namespace="",pod="",container="0123456789ab",workload="")",
                                              R"(process="tool")", R"(type="input")"}),
              1);
}

TEST_F(MetricsTest, OutsideKubernetesTheServiceIsTheWorkload) {
    model::Exchange exchange = chat_exchange("app", "gpt-4o", 1, 1);
    exchange.identity.pod.reset();
    exchange.identity.systemd_unit = "search.service";
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_tokens_total",
                    {R"(namespace="",pod="",container="",workload="search.service")", R"(type="input")"}),
              1);
}

TEST_F(MetricsTest, TheModelThatAnsweredCountsOrElseTheOneAskedFor) {
    model::Exchange exchange = chat_exchange("app", "alias", 1, 1);
    metrics().exchange(exchange);
    exchange.llm.response_model = "real";
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="alias")", R"(type="input")"}), 1);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="real")", R"(type="input")"}), 1);
}

TEST_F(MetricsTest, CountsRequestsByStatusAndError) {
    model::Exchange exchange = chat_exchange("app", "m", 1, 1);
    metrics().exchange(exchange);
    exchange.http.status = 429;
    exchange.llm.error = model::LlmError{"rate_limit", "x", {}};
    metrics().exchange(exchange);
    exchange.llm.error->type.clear();
    exchange.http.status = 777;
    metrics().exchange(exchange);
    exchange.completeness = model::Completeness::interrupted;
    exchange.llm.error.reset();
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(status="200",error_type="")"}), 1);
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(status="429",error_type="rate_limit")"}), 1);
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(status="unknown",error_type="x")"}), 1);
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(status="interrupted",error_type="")"}), 1);
}

TEST_F(MetricsTest, MeasuresTimes) {
    metrics().exchange(chat_exchange("app", "m", 1, 8));  // 300 ms to the first token, 1 s in all
    EXPECT_EQ(value("llmsnoop_request_duration_seconds_sum"), 1);
    EXPECT_EQ(value("llmsnoop_time_to_first_token_seconds_sum"), 0.3);
    EXPECT_DOUBLE_EQ(value("llmsnoop_time_per_output_token_seconds_sum"), 0.1);
    EXPECT_EQ(value("llmsnoop_request_duration_seconds_bucket", {R"(le="0.64")"}), 0);
    EXPECT_EQ(value("llmsnoop_request_duration_seconds_bucket", {R"(le="1.28")"}), 1);
    EXPECT_EQ(value("llmsnoop_request_duration_seconds_bucket", {R"(le="+Inf")"}), 1);
}

// How long a batch took is not known; its download says nothing of it.
TEST_F(MetricsTest, ResultsOfBatchesHaveTokensButNoDuration) {
    model::Exchange result = chat_exchange("app", "m", 1, 8);
    result.llm.operation = "batch";
    result.llm.stream = false;
    metrics().exchange(result);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(type="output")", R"(operation="batch")"}), 8);
    EXPECT_TRUE(std::isnan(value("llmsnoop_request_duration_seconds_count")));
    EXPECT_TRUE(std::isnan(value("llmsnoop_time_to_first_token_seconds_count")));
    metrics().exchange(chat_exchange("app", "m", 1, 8));
    EXPECT_EQ(value("llmsnoop_request_duration_seconds_count"), 1);
}

TEST_F(MetricsTest, ACounterNeverFalls) {
    model::Exchange exchange = chat_exchange("app", "m", 1, 1);
    for (const double usd :
         {0.5, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        exchange.cost = model::Cost{usd, model::Cost::Source::provider, ""};
        metrics().exchange(exchange);
    }
    EXPECT_EQ(value("llmsnoop_cost_usd_total"), 0.5);
}

TEST_F(MetricsTest, FollowsRequestsInFlight) {
    model::Exchange a = chat_exchange("app", "m", 1, 1);
    model::Exchange b = a;
    b.id = "b";
    metrics().started(start_of(a));
    metrics().started(start_of(b));
    metrics().started(start_of(b));  // told twice
    EXPECT_EQ(value("llmsnoop_requests_in_flight"), 2);
    a.llm.response_model = "other-model";  // learned meanwhile
    metrics().exchange(a);
    EXPECT_EQ(value("llmsnoop_requests_in_flight"), 1);
    metrics().exchange(a);  // its start was not told of
    EXPECT_EQ(value("llmsnoop_requests_in_flight"), 1);
    metrics().exchange(b);
    EXPECT_EQ(value("llmsnoop_requests_in_flight"), 0);
}

TEST_F(MetricsTest, ARequestWhoseEndWasNotToldOfIsForgotten) {
    metrics().started(start_of(chat_exchange("app", "m", 1, 1)));
    g_now += hours(2);
    metrics().expire();
    EXPECT_EQ(value("llmsnoop_requests_in_flight"), 0);
}

TEST_F(MetricsTest, TellsOfTheAgentItself) {
    options_.build_info = {{"version", "1.2.3"}};
    losses_.add(model::Loss::ring_full, 5);
    metrics().set_blind_processes([] { return std::map<std::string, double>{{"no_library", 3}}; });
    const auto refusals = std::make_shared<RefusalCounters>();
    refusals->add(Refusal::crowded, 7);
    metrics().set_http_refusals("api", refusals);
    metrics().set_budgets([] { return std::map<std::string, double>{{"memory", 0.5}}; });
    metrics().set_sink_counters([] { return std::vector<SinkCounters>{{"audit", 4, 10, 2, 1}}; });
    EXPECT_EQ(value("llmsnoop_lost_total", {R"(stage="kernel",reason="ring_full")"}), 5);
    EXPECT_EQ(value("llmsnoop_lost_total", {R"(reason="stream_gap")"}), 0);
    EXPECT_EQ(value("llmsnoop_blind_processes", {R"(reason="no_library")"}), 3);
    EXPECT_EQ(value("llmsnoop_http_refused_total", {R"(server="api")", R"(reason="crowded")"}), 7);
    EXPECT_EQ(value("llmsnoop_http_refused_total", {R"(server="api")", R"(reason="busy")"}), 0);
    EXPECT_EQ(value("llmsnoop_budget_used_ratio", {R"(budget="memory")"}), 0.5);
    EXPECT_EQ(value("llmsnoop_sink_queue_items", {R"(sink="audit")"}), 4);
    EXPECT_EQ(value("llmsnoop_sink_dropped_total", {R"(sink="audit")"}), 2);
    EXPECT_EQ(value("llmsnoop_sink_failed_total", {R"(sink="audit")"}), 1);
    EXPECT_EQ(value("llmsnoop_sink_written_total", {R"(sink="audit")"}), 10);
    EXPECT_EQ(value("llmsnoop_build_info", {R"(version="1.2.3")"}), 1);
    EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
    EXPECT_GT(value("process_open_fds"), 2);
    EXPECT_GT(value("process_start_time_seconds"), 1.7e9);
    metrics().set_blind_processes({});
    EXPECT_THAT(text(), Not(HasSubstr("llmsnoop_blind_processes")));
}

TEST_F(MetricsTest, EveryLossHasASample) {
    const std::string all = text();
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        EXPECT_THAT(all, HasSubstr("reason=\"" + std::string(model::text_of(static_cast<model::Loss>(i)).name) + "\""));
    }
}

// What every exporter may meet, through the gate as in the agent.
void fill(Metrics& metrics) {
    static const model::TrafficCounters kTraffic;
    static const model::UnpricedCounters kUnpriced;
    metrics.set_traffic(&kTraffic);
    metrics.set_unpriced(&kUnpriced);
    metrics.set_blind_processes([] { return std::map<std::string, double>{{"no \"library\"\n\\", 1}}; });
    metrics.set_http_refusals("api", std::make_shared<RefusalCounters>());
    metrics.set_budgets([] { return std::map<std::string, double>{{"memory", 0.5}}; });
    metrics.set_sink_counters([] { return std::vector<SinkCounters>{{"audit", 4, 10, 2, 1}}; });
    const auto shared = std::shared_ptr<Metrics>(&metrics, [](Metrics*) {});
    PrometheusSink sink(shared);
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i)
        EXPECT_TRUE(sink.exchange(cleared(random_exchange(random))));
    EXPECT_TRUE(sink.exchange(cleared(full_exchange())));
    sink.started(cleared(start_of(chat_exchange("app", "m", 1, 1))));
    EXPECT_TRUE(sink.flush());
}

TEST_F(MetricsTest, PromtoolFindsNothingToComplainAbout) {
    fill(metrics());
    const std::string path = testing::TempDir() + "metrics_" + std::to_string(::getpid());
    std::ofstream(path) << text();
    EXPECT_EQ(std::system(("/usr/bin/promtool check metrics < " + path).c_str()), 0);
    std::remove(path.c_str());
}

// The README lists every metric, and no other.
TEST_F(MetricsTest, TheReadmeListsEveryMetric) {
    fill(metrics());
    std::set<std::string> served;
    for (const auto& family : metrics().Collect())
        served.insert(family.name);
    std::set<std::string> listed;
    std::ifstream readme(std::string(LLMSNOOP_SOURCE_DIR) + "/exporters/README.md");
    for (std::string line; std::getline(readme, line);) {
        if (!line.starts_with("| `llmsnoop_") && !line.starts_with("| `process_")) continue;
        const std::string name = line.substr(3, line.find('`', 3) - 3);
        if (name != "process_gone") listed.insert(name);  // a reason
    }
    EXPECT_EQ(served, listed);
}

}  // namespace
}  // namespace llmsnoop::exporters
