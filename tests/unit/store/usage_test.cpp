// What the store answers about usage.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace llmsnoop::exporters::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using UsageTest = StoreTest;

TEST_F(UsageTest, TokensByModelMostFirst) {
    auto sink = open();
    put(*sink, call("small", 10, 1));
    put(*sink, call("large", 1000, 50));
    put(*sink, call("small", 20, 2));
    flush(*sink);
    EXPECT_THAT(summary(usage("model")), ElementsAre("large 1 1000/50", "small 2 30/3"));
    const UsageReport all = usage("");
    EXPECT_THAT(summary(all), ElementsAre(" 3 1030/53"));
    EXPECT_EQ(all.total.input.sum, 1030U);
}

TEST_F(UsageTest, EveryDimensionReadsItsField) {
    auto sink = open();
    model::Exchange one = full_exchange();
    one.pair.clear();
    put(*sink, one);
    flush(*sink);
    EXPECT_THAT(summary(usage("namespace,pod,pod_uid,container,workload,workload_kind,node,process")),
                ElementsAre("prod|app-7c9|8d3c|app|app|Deployment|node-1|python3 1 1234/56"));
    EXPECT_THAT(summary(usage("user,pid,exe,provider,model,operation,role,status")),
                ElementsAre("1000|4711|/usr/bin/python3.11|openai|gpt-4o-2024-08-06|chat|client|200 1 1234/56"));
    EXPECT_THAT(summary(usage("hour,day,error_type,completeness,label:team")),
                ElementsAre("2026-11-20T10:00:00Z|2026-11-20|server_error|complete|search 1 1234/56"));
}

TEST_F(UsageTest, OutsideOfPodsAContainerHasItsNameOrTheBeginningOfItsId) {
    auto sink = open();
    model::Exchange named = call("m", 1, 1);
    named.identity.container = model::Container{std::string(64, 'e'), "docker", "web", ""};
    put(*sink, named);
    model::Exchange unnamed = call("m", 2, 2);
    unnamed.identity.container = model::Container{std::string(64, 'f'), "docker", "", ""};
    put(*sink, unnamed);
    model::Exchange nameless = call("m", 3, 3);
    nameless.identity.process.comm.clear();
    nameless.identity.process.exe = "/opt/tool/bin/agent";
    put(*sink, nameless);
    flush(*sink);
    EXPECT_THAT(summary(usage("container,process")),
                UnorderedElementsAre("web|app 1 1/1", "ffffffffffff|app 1 2/2", "-|agent 1 3/3"));
}

TEST_F(UsageTest, UnknownIsNeverZero) {
    auto sink = open();
    model::Exchange unknown = call("m", 0, 0);
    unknown.usage = {};
    put(*sink, unknown);
    flush(*sink);
    UsageValues values = usage("model").rows.at(0).values;
    EXPECT_EQ(values.input.known, 0U);
    EXPECT_EQ(values.input.unknown, 1U);
    EXPECT_FALSE(values.cost_usd);
    EXPECT_EQ(values.unpriced, 0U);  // it is not known that it used any tokens
    EXPECT_THAT(usage_table(usage("model")),
                HasSubstr("m             1       0      -           -            -       -"));
    EXPECT_THAT(usage_json(usage("model")), HasSubstr(R"("errors":0,"unknown":{"input_tokens":1,)"));

    put(*sink, call("m", 7, 0));
    flush(*sink);
    values = usage("model").rows.at(0).values;
    EXPECT_EQ(values.input.sum, 7U);
    EXPECT_EQ(values.input.known, 1U);
    EXPECT_EQ(values.input.unknown, 1U);
    EXPECT_EQ(values.output.known, 1U);  // a zero that was reported
    EXPECT_EQ(values.unpriced, 1U);
    EXPECT_THAT(usage_table(usage("model")), HasSubstr("7+"));
}

TEST_F(UsageTest, CostsErrorsAndEstimates) {
    auto sink = open();
    model::Exchange paid = call("m", 1, 1);
    paid.cost = model::Cost{0.25, model::Cost::Source::table, "t"};
    put(*sink, paid);
    model::Exchange failed = call("m", 1, 1);
    failed.http.status = 429;
    put(*sink, failed);
    model::Exchange guessed = call("m", 1, 1);
    guessed.usage.source = model::UsageSource::estimated;
    put(*sink, guessed);
    flush(*sink);
    const UsageValues values = usage("").total;
    EXPECT_EQ(values.cost_usd, 0.25);
    EXPECT_EQ(values.unpriced, 2U);
    EXPECT_EQ(values.errors, 1U);
    EXPECT_EQ(values.estimated, 1U);
}

TEST_F(UsageTest, LatenciesAreNearestRanks) {
    auto sink = open();
    for (int i = 1; i <= 200; ++i) {
        model::Exchange one = call("m", 1, 1);
        one.timing.ended = one.timing.started + milliseconds(i);
        one.llm.timing.first = one.timing.started + milliseconds(i) / 2;
        put(*sink, one);
    }
    flush(*sink);
    const UsageValues values = usage("").total;
    EXPECT_EQ(values.duration_ms.count, 200U);
    EXPECT_DOUBLE_EQ(values.duration_ms.average, 100.5);
    EXPECT_FLOAT_EQ(static_cast<float>(values.duration_ms.p50), 100);
    EXPECT_FLOAT_EQ(static_cast<float>(values.duration_ms.p95), 190);
    EXPECT_FLOAT_EQ(static_cast<float>(values.duration_ms.p99), 198);
    EXPECT_FLOAT_EQ(static_cast<float>(values.ttft_ms.p50), 50);
}

TEST_F(UsageTest, TimesBoundTheStart) {
    auto sink = open();
    for (int i = 0; i < 4; ++i) {
        model::Exchange one = call("m", 1, 1);
        one.timing.started += hours(i);
        one.timing.ended += hours(i);
        put(*sink, one);
    }
    flush(*sink);
    UsageQuery some = query("hour");
    some.since = kStarted + hours(1);
    some.until = kStarted + hours(3);
    EXPECT_THAT(summary(usage(some)), ElementsAre("2026-11-20T11:00:00Z 1 1/1", "2026-11-20T12:00:00Z 1 1/1"));
}

// Both ends of one connection on this node: the same tokens, told twice.
TEST_F(UsageTest, AnExchangeOfWhichBothEndsWereSeenCountsOnce) {
    auto sink = open();
    model::Exchange client = call("m", 100, 10);
    model::Exchange server = call("m", 100, 10);
    server.role = model::Role::server;
    server.identity.process.comm = "vllm";
    client.pair = server.id;
    server.pair = client.id;
    put(*sink, client);
    put(*sink, server);
    model::Exchange alone = call("m", 7, 1);  // its client is on another machine
    alone.role = model::Role::server;
    alone.identity.process.comm = "vllm";
    put(*sink, alone);
    flush(*sink);
    EXPECT_THAT(summary(usage("process")), ElementsAre("app 1 100/10", "vllm 1 7/1"));
    // Who asks for the server gets what the server did.
    EXPECT_THAT(summary(usage("process", "process.comm == 'vllm'")), ElementsAre("vllm 2 107/11"));
    EXPECT_THAT(summary(usage("role", "role == 'server'")), ElementsAre("server 2 107/11"));
}

TEST_F(UsageTest, ALaterRecordOfTheSameIdReplacesTheFirst) {
    auto sink = open();
    model::Exchange one = call("m", 1, 1);
    put(*sink, one);
    flush(*sink);
    one.identity.pod = model::Pod{"prod", "late", "", "", "", "", ""};
    put(*sink, one);
    flush(*sink);
    EXPECT_THAT(summary(usage("pod")), ElementsAre("late 1 1/1"));
    const auto record = SqliteReader(options_.path).exchange(one.id);
    ASSERT_TRUE(record && *record);
    EXPECT_THAT(**record, HasSubstr("\"pod\":\"late\""));
}

TEST_F(UsageTest, HostileCountsDoNotWrap) {
    auto sink = open();
    for (int i = 0; i < 3; ++i)
        put(*sink, call("m", UINT64_MAX, 1ULL << 63));
    flush(*sink);
    const UsageValues values = usage("").total;
    EXPECT_EQ(values.input.sum, UINT64_MAX);
    EXPECT_EQ(values.output.sum, UINT64_MAX);
}

TEST_F(UsageTest, TooManyGroupsAreRefused) {
    auto sink = open();
    for (int i = 0; i < 30; ++i)
        put(*sink, call("model-" + std::to_string(i), 1, 1));
    flush(*sink);
    UsageQuery by_model = query("model");
    by_model.most_groups = 20;
    const auto refused = SqliteReader(options_.path).usage(by_model);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, base::Error::Kind::usage);
    by_model.most_groups = 30;
    by_model.limit = 7;
    const UsageReport cut = usage(by_model);
    EXPECT_EQ(cut.rows.size(), 7U);
    EXPECT_EQ(cut.groups, 30U);
    EXPECT_EQ(cut.total.requests, 30U);
}

TEST_F(UsageTest, ReadsWhileTheAgentWrites) {
    auto sink = open();
    put(*sink, call("m", 1, 1));
    flush(*sink);
    std::atomic<bool> stop{false};
    std::atomic<int> reads{0};
    std::thread reader([&] {
        while (!stop) {
            if (SqliteReader(options_.path).usage(query("model"))) ++reads;
        }
    });
    // Until somebody has read, too: on a busy machine the reader may be late.
    std::uint64_t written = 1;
    for (int i = 0; i < 2000 || (reads == 0 && i < 1'000'000); ++i, ++written) {
        put(*sink, call("m", 1, 1));
        if (i % 50 == 0) flush(*sink);
    }
    flush(*sink);
    stop = true;
    reader.join();
    EXPECT_GT(reads.load(), 0);
    EXPECT_EQ(usage("").total.requests, written);
}

TEST_F(UsageTest, ExchangesComeInPagesNewestFirst) {
    auto sink = open();
    for (int i = 0; i < 25; ++i) {
        model::Exchange one = call("m", static_cast<std::uint64_t>(i), 1);
        one.timing.started += milliseconds(i / 3);  // some began at the same time
        put(*sink, one);
    }
    flush(*sink);
    SqliteReader reader(options_.path);
    ExchangeQuery some;
    some.limit = 10;
    std::vector<std::string> ids;
    for (int page = 0; page < 3; ++page) {
        const auto got = reader.exchanges(some);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(got->records.size(), page < 2 ? 10U : 5U);
        EXPECT_EQ(got->next.empty(), page == 2);
        for (const std::string& record : got->records)
            ids.push_back(record.substr(record.find("\"id\":\"") + 6, 26));
        some.cursor = got->next;
    }
    EXPECT_TRUE(std::is_sorted(ids.rbegin(), ids.rend()));
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
    some.cursor = "12-'; DROP TABLE exchange; --";
    const auto refused = reader.exchanges(some);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, base::Error::Kind::usage);
}

TEST_F(UsageTest, LongQueriesEnd) {
    auto sink = open();
    for (int i = 0; i < 20'000; ++i)
        put(*sink, call("m", 1, 1));
    flush(*sink);
    UsageQuery slow = query("model");
    slow.time = base::Duration(1);
    const auto ended = SqliteReader(options_.path).usage(slow);
    ASSERT_FALSE(ended);
    EXPECT_THAT(ended.error().message, HasSubstr("takes too long"));
}

TEST_F(UsageTest, WithoutAStoreItSaysSo) {
    const auto missing = SqliteReader(directory_ + "/nowhere.db").usage(query("model"));
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("there is none"));
}

TEST(DimensionsTest, AreNamedOrRefused) {
    EXPECT_EQ(parse_dimensions("pod,label:app.kubernetes.io/name")->at(1).label, "app.kubernetes.io/name");
    for (const char* wrong : {"pods", "pod,", ",pod", "pod,pod", "label:", "a,b,c,d,e,f,g,h,i"}) {
        const auto refused = parse_dimensions(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().kind, base::Error::Kind::usage);
    }
}

}  // namespace
}  // namespace llmsnoop::exporters::store
