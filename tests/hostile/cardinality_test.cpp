// Names without end: every call has another model, host, program, pod, workload, namespace and error. The whole way,
// from capture events to metrics and store, with pods that come and go as the calls do.
//
//   CARDINALITY=100000 build/tests/hostile/hostile_test --gtest_filter='Cardinality.*'
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "agent/attribution/pod_table.h"
#include "agent/attribution/process_table.h"
#include "agent/pipeline/engine.h"
#include "agent/pipeline/late_identity.h"
#include "agent/policy/gate.h"
#include "exporters/prometheus/prometheus_sink.h"
#include "exporters/store/sqlite_reader.h"
#include "exporters/store/sqlite_writer.h"
#include "exporters/store/store_sink.h"
#include "tests/hostile/hostile_case.h"

namespace llmsnoop::hostile {
namespace {

using exporters::Metrics;
using model::Loss;
using std::chrono::hours;
using std::chrono::minutes;

std::uint64_t calls() {
    const char* text = std::getenv("CARDINALITY");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 20'000;
}

constexpr std::uint64_t kPodsAtATime = 50;
constexpr std::uint64_t kStoreBytes = 16 * kMegabyte;

base::Time g_now = base::time_from_unix_ns(1'767'225'600'000'000'000);

// What Prometheus counts as series: a histogram is as many as it has buckets, and two more.
std::size_t series_of(const Metrics& metrics) {
    std::size_t out = 0;
    for (const auto& family : metrics.Collect()) {
        for (const auto& one : family.metric)
            out += one.histogram.bucket.empty() ? 1 : one.histogram.bucket.size() + 2;
    }
    return out;
}

double tokens_of(const Metrics& metrics) {
    double out = 0;
    for (const auto& family : metrics.Collect()) {
        if (family.name != "llmsnoop_tokens_total") continue;
        for (const auto& one : family.metric)
            out += one.counter.value;
    }
    return out;
}

std::string uid_of(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return "0b0f5d3e-6a3c-4a51-9a52-" + std::string(12 - digits.size(), '0') + digits;
}

std::string container_of(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return std::string(64 - digits.size(), 'c') + digits;
}

// An agent, but for the kernel: the stages, the pod table, and the sinks.
class Cardinality : public testing::Test {
 protected:
    void SetUp() override {
        std::filesystem::create_directories(directory_);
        exporters::MetricsOptions options;
        options.clock = [] { return g_now; };
        metrics_ = std::make_shared<Metrics>(options, losses_);
        metrics_->set_pods([this] { return pods_.names_present(); });
        prometheus_ = std::make_unique<exporters::PrometheusSink>(metrics_);
        exporters::store::SqliteOptions store;
        store.path = store_path();
        store.max_bytes = kStoreBytes;
        auto writer = exporters::store::SqliteWriter::create(store);
        ASSERT_TRUE(writer);
        store_ = std::make_unique<exporters::store::StoreSink>(exporters::store::StoreSinkOptions{.node = "n"},
                                                               std::move(*writer));
        pods_.expect_answers(true);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string store_path() const { return directory_ + "/store.db"; }

    // Some calls at a time, as a source delivers them.
    class Calls final : public capture::Source {
     public:
        using Tell = std::function<void(support::Wire&, std::uint64_t)>;
        Calls(std::uint64_t first, std::uint64_t last, Tell tell) : next_(first), last_(last), tell_(std::move(tell)) {}

        base::Result<Status> poll(unsigned, base::Duration, capture::EventOut out) override {
            support::Wire wire(out);
            for (int i = 0; i < 100 && next_ <= last_; ++i)
                tell_(wire, next_++);
            return next_ <= last_ ? Status::busy : Status::finished;
        }

     private:
        std::uint64_t next_;
        std::uint64_t last_;
        Tell tell_;
    };

    void run(std::uint64_t first, std::uint64_t last, Calls::Tell tell) {
        Calls source(first, last, std::move(tell));
        pipeline::Services services{{},
                                    source,
                                    losses_,
                                    processes_,
                                    {[this](model::ExchangeStarted one) { late_.started(std::move(one)); },
                                     [this](model::Exchange one) { late_.finished(std::move(one)); },
                                     [this] { late_.next_round(); }, [this] { late_.flush(); }},
                                    {},
                                    {},
                                    {}};
        pipeline::Engine engine(services);
        EXPECT_TRUE(engine.run());
    }

    void tell_call(support::Wire& wire, std::uint64_t i) {
        const std::string n = std::to_string(i);
        pods_.put({uid_of(i),
                   "",
                   "ns-" + n,
                   "pod-" + n,
                   "node",
                   "Deployment",
                   "app-" + n,
                   {{"team", "t-" + n}},
                   {{container_of(i), "c-" + n, "image-" + n}}});
        if (i >= kPodsAtATime) pods_.remove(uid_of(i - kPodsAtATime));
        model::Process process;
        process.key = {static_cast<std::uint32_t>(1000 + i), i};
        process.comm = "comm-" + n;
        process.exe = "/usr/bin/comm-" + n;
        process.cgroup = "/kubepods/burstable/pod" + uid_of(i) + "/" + container_of(i);
        wire.deliver(model::ProcessSeen{wire.tick(), process});
        model::ConnectionOpened opened;
        opened.id = i;
        opened.time = wire.tick();
        opened.process = process.key;
        opened.transport = model::Transport::tls;
        opened.from_start = true;
        opened.peer = model::Endpoint{};
        opened.peer->port = 443;
        wire.deliver(opened);
        // The longest name that leaves the agent, and one that is not too long for a label.
        const std::string model = "model-" + n + std::string(i % 2 == 0 ? 300 : 100, 'm');
        const std::string request = R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hi"}]})";
        wire.send(i, "POST /v1/chat/completions HTTP/1.1\r\nHost: api.host-" + n +
                         ".com\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(request.size()) +
                         "\r\n\r\n" + request);
        const bool fails = i % 4 == 3;
        const std::string answer = fails ? R"({"error":{"message":"no","type":"error-)" + n + R"("}})"
                                         : R"({"id":"chatcmpl-)" + n + std::string(400, 'r') +
                                               R"(","object":"chat.completion","model":")" + model +
                                               R"(","choices":[{"index":0,"message":{"role":"assistant",)"
                                               R"("content":"hello"},"finish_reason":"stop"}],"usage":)"
                                               R"({"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})";
        wire.receive(i, "HTTP/1.1 " + std::to_string(fails ? 400 + i % 200 : 200) +
                            " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(answer.size()) +
                            "\r\n\r\n" + answer);
        wire.close(i);
        wire.deliver(model::ProcessEnded{wire.tick(), process.key});
    }

    void flush() {
        EXPECT_TRUE(prometheus_->flush());
        EXPECT_TRUE(store_->flush());
    }

    void say(const char* when) const {
        ::prometheus::TextSerializer serializer;
        std::printf("    %s: %zu series in a scrape of %zu KB; %lu KB resident; store %lu KB; %lu folded\n", when,
                    series_of(*metrics_), serializer.Serialize(metrics_->Collect()).size() >> 10,
                    static_cast<unsigned long>(resident_bytes() >> 10),
                    static_cast<unsigned long>(std::filesystem::file_size(store_path()) >> 10),
                    static_cast<unsigned long>(losses_.get(Loss::label_limit)));
    }

    const std::string directory_ = testing::TempDir() + "cardinality_" + std::to_string(::getpid());
    model::LossCounters losses_;
    attribution::PodTable pods_;
    attribution::ProcessTable processes_{attribution::ProcessTable::Facts::from_events, losses_};
    policy::Gate gate_{{}, losses_};
    std::shared_ptr<Metrics> metrics_;
    std::unique_ptr<exporters::PrometheusSink> prometheus_;
    std::unique_ptr<exporters::store::StoreSink> store_;
    std::uint64_t finished_ = 0;
    pipeline::LateIdentity late_{
        {},
        pods_,
        losses_,
        {[this](model::ExchangeStarted one) { prometheus_->started(gate_.clear(std::move(one))); },
         [this](model::Exchange one) {
             ++finished_;
             const auto cleared = gate_.clear(std::move(one));
             EXPECT_TRUE(prometheus_->exchange(cleared));
             EXPECT_TRUE(store_->exchange(cleared));
         }}};
};

TEST_F(Cardinality, OfEverythingAtOnce) {
    const std::uint64_t all = calls();
    std::uint64_t resident_at_half = 0;
    std::size_t series_at_half = 0;
    say("before");
    run(1, all, [&](support::Wire& wire, std::uint64_t i) {
        tell_call(wire, i);
        if (i % 1000 == 0) flush();
        if (i != all / 2) return;
        say("half way");
        resident_at_half = resident_bytes();
        series_at_half = series_of(*metrics_);
    });
    flush();
    say("after");
    const std::uint64_t resident = resident_bytes();
    EXPECT_EQ(finished_, all);
    EXPECT_EQ(losses_.get(Loss::pod_unknown), 0U);

    // Every call has a label set of its own, until a label is full; and whatever is folded, is counted and not lost.
    const exporters::LabelLimits limits;
    constexpr std::size_t kSamplesOfOne = 90;
    EXPECT_LE(series_at_half, (limits.series + 2) * kSamplesOfOne + limits.request_samples);
    EXPECT_LE(series_of(*metrics_), series_at_half + limits.request_samples);
    EXPECT_GT(losses_.get(Loss::label_limit), all);
    EXPECT_EQ(tokens_of(*metrics_), 18.0 * static_cast<double>(all - all / 4));
    if (is_memory_compared()) {
        EXPECT_LE(resident, resident_at_half + 16 * kMegabyte) << "memory grows with the number of names";
    }

    // An hour later nobody speaks any more, and all but the last pods are gone: with them their series, and there is
    // room for others.
    EXPECT_LE(std::filesystem::file_size(store_path()), kStoreBytes + 8 * kMegabyte);
    g_now += hours(1);
    flush();
    say("an hour later");
    EXPECT_LE(series_of(*metrics_), (kPodsAtATime + 2) * kSamplesOfOne + model::kLossCount + 50);
    const std::uint64_t folded = losses_.get(Loss::label_limit);
    run(all + 1, all + 1, [&](support::Wire& wire, std::uint64_t i) { tell_call(wire, i); });
    flush();
    EXPECT_EQ(losses_.get(Loss::label_limit) - folded, all % 2 == 0 ? 0U : 1U) << "there is room again";
}

// What the API asks of the store, with a name of its own for every exchange.
TEST_F(Cardinality, InTheStore) {
    const std::uint64_t all = calls();
    run(1, all, [&](support::Wire& wire, std::uint64_t i) { tell_call(wire, i); });
    flush();
    exporters::store::SqliteReader reader(store_path());
    exporters::store::UsageQuery query;
    query.dimensions = *exporters::store::parse_dimensions("model");
    query.limit = 100;
    const std::uint64_t before = resident_bytes();
    const auto report = reader.usage(query);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->rows.size(), 100U);
    EXPECT_GT(report->groups, 100U);
    std::printf("    %zu groups of %lu exchanges: %lu KB more\n", report->groups,
                static_cast<unsigned long>(report->total.requests),
                static_cast<unsigned long>((resident_bytes() - std::min(before, resident_bytes())) >> 10));
    query.most_groups = report->groups - 1;
    const auto refused = reader.usage(query);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, base::Error::Kind::usage);
}

}  // namespace
}  // namespace llmsnoop::hostile
