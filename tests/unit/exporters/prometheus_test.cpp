// The metrics as a scraper sees them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <thread>

#include "agent/base/fd.h"
#include "exporters/prometheus/metrics.h"
#include "exporters/prometheus/metrics_server.h"
#include "exporters/prometheus/open_metrics.h"
#include "exporters/prometheus/prometheus_sink.h"
#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

base::Time g_now = kStarted;

class MetricsTest : public testing::Test {
 protected:
    void SetUp() override {
        g_now = kStarted;
        options_.clock = [] { return g_now; };
    }

    Metrics& metrics() {
        if (!metrics_) metrics_ = std::make_shared<Metrics>(options_, losses_);
        return *metrics_;
    }

    std::string text() { return ::prometheus::TextSerializer().Serialize(metrics().Collect()); }

    // The value of the sample of that name with all these `name="value"` pairs; NaN if there is none or more than one.
    double value(const std::string& name, const std::vector<std::string>& labels = {}) {
        std::istringstream lines(text());
        double found = std::numeric_limits<double>::quiet_NaN();
        int count = 0;
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with(name + "{") && !line.starts_with(name + " ")) continue;
            const bool all = std::all_of(labels.begin(), labels.end(), [&](const std::string& label) {
                return line.find(label) != std::string::npos;
            });
            if (!all) continue;
            found = std::stod(line.substr(line.rfind(' ')));
            ++count;
        }
        return count == 1 ? found : std::numeric_limits<double>::quiet_NaN();
    }

    MetricsOptions options_;
    model::LossCounters losses_;
    std::shared_ptr<Metrics> metrics_;
};

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

model::ExchangeStarted start_of(const model::Exchange& exchange) {
    return {exchange.id, exchange.role, exchange.llm, exchange.identity, exchange.timing.started};
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

TEST_F(MetricsTest, PastTheLimitAValueIsOther) {
    options_.limits.models = 3;
    for (int i = 0; i < 10; ++i)
        metrics().exchange(chat_exchange("app", "m" + std::to_string(i), 1, 1));
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="m2")", R"(type="input")"}), 1);
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="other")", R"(type="input")"}), 7);
    EXPECT_EQ(losses_.get(model::Loss::label_limit), 7U);
    EXPECT_EQ(value("llmsnoop_lost_total", {R"(stage="exporters",reason="label_limit")"}), 7);
    metrics().exchange(chat_exchange("app", "m1", 1, 1));  // one that has its place keeps it
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="m1")", R"(type="input")"}), 2);
}

TEST_F(MetricsTest, TheNumberOfSeriesIsBoundedWhateverTheLabels) {
    options_.limits.series = 10;
    for (int i = 0; i < 100; ++i) {
        model::Exchange exchange = chat_exchange("p" + std::to_string(i % 20), "m" + std::to_string(i % 7), 1, 1);
        exchange.role = i % 2 == 0 ? model::Role::client : model::Role::server;
        metrics().exchange(exchange);
    }
    const auto families = metrics().Collect();
    double tokens = 0;
    for (const auto& family : families) {
        if (family.name != "llmsnoop_tokens_total") continue;
        EXPECT_LE(family.metric.size(), 2U * (10 + 2));
        for (const auto& metric : family.metric)
            tokens += metric.counter.value;
    }
    EXPECT_EQ(tokens, 200);  // every token is somewhere
}

TEST_F(MetricsTest, ErrorTypesAndRulesAreBounded) {
    options_.limits.error_types = 2;
    options_.limits.rules = 2;
    for (int i = 0; i < 5; ++i) {
        model::Exchange exchange = chat_exchange("app", "m", 1, 1);
        exchange.llm.error = model::LlmError{"e" + std::to_string(i), "", {}};
        exchange.findings = {{"r" + std::to_string(i), "low", "", 2}};
        metrics().exchange(exchange);
    }
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(error_type="other")"}), 3);
    EXPECT_EQ(value("llmsnoop_findings_total", {R"(rule="other")"}), 6);
}

TEST_F(MetricsTest, ASeriesThatNobodyUsesGivesItsPlaceBack) {
    options_.limits.models = 2;
    options_.limits.error_types = 1;
    model::Exchange exchange = chat_exchange("app", "old", 1, 1);
    exchange.llm.error = model::LlmError{"old-error", "", {}};
    metrics().exchange(exchange);
    model::Exchange busy = chat_exchange("app", "busy", 1, 1);
    busy.id = "busy";
    metrics().started(start_of(busy));
    g_now += hours(12);
    options_.in_flight_idle = hours(100);
    metrics().expire();
    EXPECT_THAT(text(), HasSubstr("model=\"old\""));
    g_now += hours(13);
    metrics().exchange(busy);
    metrics().expire();
    EXPECT_THAT(text(), Not(HasSubstr("model=\"old\"")));
    EXPECT_THAT(text(), HasSubstr("model=\"busy\""));
    exchange = chat_exchange("app", "new", 1, 1);
    exchange.llm.error = model::LlmError{"new-error", "", {}};
    metrics().exchange(exchange);
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(model="new")", R"(error_type="new-error")"}), 1);
    EXPECT_EQ(losses_.get(model::Loss::label_limit), 0U);
}

// Status and error type are the answer's: five hundred times a hundred for each series would be no bound.
TEST_F(MetricsTest, AnswersCannotMakeSeriesWithoutEnd) {
    options_.limits.request_samples = 20;
    for (int i = 0; i < 1000; ++i) {
        model::Exchange exchange = chat_exchange("p" + std::to_string(i % 5), "m", 1, 1);
        exchange.http.status = 100 + i % 500;
        exchange.llm.error = model::LlmError{"e" + std::to_string(i % 30), "", {}};
        metrics().exchange(exchange);
    }
    const auto families = metrics().Collect();
    const auto requests = std::find_if(families.begin(), families.end(),
                                       [](const auto& one) { return one.name == "llmsnoop_requests_total"; });
    EXPECT_EQ(requests->metric.size(), 20U + 5U);
    double sum = 0;
    for (const auto& one : requests->metric)
        sum += one.counter.value;
    EXPECT_EQ(sum, 1000);
    EXPECT_GT(losses_.get(model::Loss::label_limit), 900U);
    g_now += hours(1);
    metrics().expire();
    metrics().exchange(chat_exchange("p", "m", 1, 1));
    EXPECT_EQ(value("llmsnoop_requests_total", {R"(status="200")"}), 1) << "there is room again";
}

TEST_F(MetricsTest, ANameThatIsTooLongIsOther) {
    metrics().exchange(chat_exchange("app", std::string(129, 'm'), 1, 1));
    metrics().exchange(chat_exchange("app", std::string(128, 'm'), 1, 1));
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="other")", R"(type="input")"}), 1);
    EXPECT_EQ(value("llmsnoop_tokens_total", {"model=\"" + std::string(128, 'm'), R"(type="input")"}), 1);
    EXPECT_EQ(losses_.get(model::Loss::label_limit), 1U);
}

TEST_F(MetricsTest, WhereThereIsNoRoomIdleSeriesMakeSome) {
    options_.limits.models = 2;
    metrics().exchange(chat_exchange("app", "idle", 1, 1));
    g_now += minutes(14);
    metrics().exchange(chat_exchange("app", "busy", 1, 1));
    g_now += minutes(2);
    metrics().expire();
    EXPECT_THAT(text(), HasSubstr("model=\"idle\"")) << "nobody wanted its place";
    metrics().exchange(chat_exchange("app", "new", 1, 1));
    g_now += minutes(1);
    metrics().expire();
    EXPECT_THAT(text(), Not(HasSubstr("model=\"idle\"")));
    EXPECT_THAT(text(), HasSubstr("model=\"busy\""));
    metrics().exchange(chat_exchange("app", "new", 1, 1));
    EXPECT_EQ(value("llmsnoop_tokens_total", {R"(model="new")", R"(type="input")"}), 1);
}

TEST_F(MetricsTest, SeriesOfAPodThatIsGoneGoToo) {
    std::optional<Metrics::PodNames> present;
    metrics().set_pods([&] { return present; });
    model::Exchange exchange = full_exchange();
    metrics().exchange(exchange);
    exchange.identity.pod->name = "app-2";
    metrics().exchange(exchange);
    metrics().exchange(chat_exchange("no-pod", "m", 1, 1));
    g_now += minutes(16);
    metrics().expire();
    EXPECT_THAT(text(), HasSubstr("pod=\"app-7c9\"")) << "nobody tells which pods are there";
    present = Metrics::PodNames{{"prod", "app-2"}, {"other-namespace", "app-7c9"}};
    g_now += minutes(2);
    metrics().expire();
    EXPECT_THAT(text(), Not(HasSubstr("pod=\"app-7c9\"")));
    EXPECT_THAT(text(), HasSubstr("pod=\"app-2\""));
    EXPECT_THAT(text(), HasSubstr("process=\"no-pod\""));
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

TEST(OpenMetrics, WritesWhatTheSpecificationWants) {
    model::LossCounters losses;
    Metrics metrics({}, losses);
    model::Exchange exchange = chat_exchange("a\"b\\c", "m", 3, 1);
    metrics.exchange(exchange);
    const std::string text = open_metrics_text(metrics.Collect());
    EXPECT_THAT(text, HasSubstr("# TYPE llmsnoop_tokens counter\n# HELP llmsnoop_tokens "));
    EXPECT_THAT(text,
                HasSubstr(R"(llmsnoop_tokens_total{namespace="",pod="",container="",workload="",process="a\"b\\c",)"));
    EXPECT_THAT(text, HasSubstr(R"(type="input",source="reported"} 3)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="5.0"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="0.25"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(role="client",le="+Inf"} 1)"));
    EXPECT_THAT(text, HasSubstr("\nprocess_max_fds "));
    EXPECT_TRUE(text.ends_with("\n# EOF\n"));
    EXPECT_EQ(text.find("\n\n"), std::string::npos);
}

TEST(OpenMetrics, IsServedToThoseWhoWantIt) {
    EXPECT_FALSE(prefers_open_metrics(nullptr));
    EXPECT_FALSE(prefers_open_metrics(""));
    EXPECT_FALSE(prefers_open_metrics("*/*"));
    EXPECT_FALSE(prefers_open_metrics("text/plain;version=0.0.4"));
    EXPECT_TRUE(prefers_open_metrics("application/openmetrics-text"));
    // What Prometheus 2.42 sends.
    EXPECT_TRUE(
        prefers_open_metrics("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                             "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0.4, text/plain;q=0.5"));
    EXPECT_FALSE(prefers_open_metrics("application/openmetrics-text;q=0"));
    EXPECT_FALSE(prefers_open_metrics(";;,,q=,=;"));
}

class MetricsServerTest : public MetricsTest {
 protected:
    std::unique_ptr<MetricsServer> serve(const std::string& address) {
        metrics();
        auto server = MetricsServer::start(address, metrics_);
        if (!server) ADD_FAILURE() << server.error().message;
        return server ? std::move(*server) : nullptr;
    }

    static std::string ask(std::uint16_t port, const std::string& request) {
        const base::Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "no connection";
        const std::string text = request + "Host: x\r\nConnection: close\r\n\r\n";
        if (::send(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return "not sent";
        std::string answer;
        char buffer[8192];
        for (ssize_t got; (got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
            answer.append(buffer, static_cast<std::size_t>(got));
        }
        return answer;
    }
};

TEST_F(MetricsServerTest, ServesBothTexts) {
    const auto server = serve("127.0.0.1:0");
    ASSERT_NE(server->port(), 0);
    const std::string plain = ask(server->port(), "GET /metrics HTTP/1.1\r\n");
    EXPECT_THAT(plain, testing::StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    EXPECT_THAT(plain, HasSubstr("\n# TYPE llmsnoop_lost_total counter\n"));
    const std::string open =
        ask(server->port(), "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0\r\n");
    EXPECT_THAT(open, HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0"));
    EXPECT_TRUE(open.ends_with("# EOF\n"));
}

TEST_F(MetricsServerTest, RefusesEverythingElse) {
    const auto server = serve("127.0.0.1:0");
    EXPECT_THAT(ask(server->port(), "GET / HTTP/1.1\r\n"), testing::StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask(server->port(), "GET /metrics/x HTTP/1.1\r\n"), testing::StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask(server->port(), "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n"),
                testing::StartsWith("HTTP/1.1 405"));
    const std::string head = ask(server->port(), "HEAD /metrics HTTP/1.1\r\n");
    EXPECT_THAT(head, testing::StartsWith("HTTP/1.1 200"));
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(MetricsServerTest, SaysWhyItCannotListen) {
    const auto server = serve("127.0.0.1:0");
    const std::string address = "127.0.0.1:" + std::to_string(server->port());
    const auto taken = MetricsServer::start(address, metrics_);
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr(address));
    EXPECT_THAT(taken.error().message, HasSubstr("Address already in use"));
    for (const char* wrong : {"", "9464", "localhost:9464", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:9464s",
                              "::1:9464", "[::1]", "127.0.0.1:9464,0.0.0.0:1", "[x]:1"}) {
        const auto refused = MetricsServer::start(wrong, metrics_);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().kind, base::Error::Kind::usage) << wrong;
    }
}

TEST_F(MetricsServerTest, IsScrapedWhileExchangesArrive) {
    const auto server = serve("127.0.0.1:0");
    std::thread scraper([&] {
        for (int i = 0; i < 20; ++i)
            EXPECT_THAT(ask(server->port(), "GET /metrics HTTP/1.1\r\n"), HasSubstr("200 OK"));
    });
    for (int i = 0; i < 20'000; ++i)
        metrics().exchange(chat_exchange("app", "m" + std::to_string(i % 50), 1, 2));
    scraper.join();
}

}  // namespace
}  // namespace llmsnoop::exporters
