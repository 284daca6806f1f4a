// How many series there may be, and which give their places to others.
#include <gmock/gmock.h>

#include "tests/unit/exporters/metrics_fixture.h"

namespace llmsnoop::exporters {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

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

}  // namespace
}  // namespace llmsnoop::exporters
