#include "exporters/fan_out.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "tests/unit/exporters/records.h"

namespace llmsnoop::exporters {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Opened and closed by the test.
class Gate {
 public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    void wait_for_somebody() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_ > 0; });
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int waiting_ = 0;
};

// What a sink was told, kept beyond its life.
struct Diary {
    std::mutex mutex;
    std::vector<std::string> ids;
    std::atomic<int> flushes{0};
    std::atomic<bool> closed{false};
    Gate gate;
    bool blocks = false;
    bool fails = false;
};

class DiarySink final : public Sink {
 public:
    DiarySink(std::string name, std::shared_ptr<Diary> diary) : name_(std::move(name)), diary_(std::move(diary)) {}
    ~DiarySink() override { diary_->closed = true; }
    std::string_view name() const override { return name_; }
    void started(const model::Cleared<model::ExchangeStarted>& started) override { note("+" + started->id); }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override {
        if (diary_->blocks) diary_->gate.wait();
        if (diary_->fails) return base::error("no paper");
        note(exchange->id);
        return {};
    }
    base::Result<void> flush() override {
        ++diary_->flushes;
        return diary_->fails ? base::Result<void>(base::error("no paper")) : base::Result<void>();
    }

 private:
    void note(std::string text) {
        const std::lock_guard lock(diary_->mutex);
        diary_->ids.push_back(std::move(text));
    }

    std::string name_;
    std::shared_ptr<Diary> diary_;
};

model::Cleared<model::Exchange> record(int number, std::size_t text = 0) {
    model::Exchange exchange = bare_exchange();
    exchange.id = std::to_string(number);
    if (text == 0) return cleared(exchange);
    exchange.llm.prompt = {{"user", model::Content(std::string(text, 'x')), 0}};
    return cleared(exchange, policy::ContentMode::redacted);
}

std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i < to; ++i)
        all.push_back(std::to_string(i));
    return all;
}

class FanOutTest : public testing::Test {
 protected:
    std::shared_ptr<Diary> add(FanOut& fan_out, const std::string& name) {
        auto diary = std::make_shared<Diary>();
        fan_out.add(std::make_unique<DiarySink>(name, diary));
        return diary;
    }

    FanOutOptions options_{.flush_interval = hours(1)};
    model::LossCounters losses_;
};

TEST_F(FanOutTest, EverySinkGetsEveryRecordInOrder) {
    FanOut fan_out(options_, losses_);
    const auto a = add(fan_out, "a");
    const auto b = add(fan_out, "b");
    fan_out.start();
    model::ExchangeStarted started;
    started.id = "s";
    fan_out.started(cleared(started));
    for (int i = 0; i < 100; ++i)
        fan_out.exchange(record(i));
    const auto report = fan_out.stop(seconds(30));
    auto want = numbers(0, 100);
    want.insert(want.begin(), "+s");
    EXPECT_EQ(a->ids, want);
    EXPECT_EQ(b->ids, want);
    ASSERT_EQ(report.size(), 2U);
    EXPECT_EQ(report[0].counters.name, "a");
    EXPECT_EQ(report[0].counters.written, 100U);
    EXPECT_EQ(report[0].counters.queued, 0U);
    EXPECT_EQ(report[0].abandoned, 0U);
    EXPECT_FALSE(report[0].error);
    EXPECT_GE(a->flushes, 1);
    EXPECT_TRUE(a->closed);
}

TEST_F(FanOutTest, ASlowSinkLosesItsOwnRecordsOnly) {
    options_.queue_items = 10;
    FanOut fan_out(options_, losses_);
    const auto slow = add(fan_out, "slow");
    const auto quick = add(fan_out, "quick");
    slow->blocks = true;
    fan_out.start();
    fan_out.exchange(record(0));
    slow->gate.wait_for_somebody();  // the first is being delivered; ten more find room
    for (int i = 1; i < 31; ++i) {
        fan_out.exchange(record(i));
        while (fan_out.counters()[1].queued > 0)
            std::this_thread::yield();
    }
    const auto counters = fan_out.counters();
    EXPECT_EQ(counters[0].queued, 11U);
    EXPECT_EQ(counters[0].dropped, 20U);
    EXPECT_EQ(losses_.get(model::Loss::queue_full), 20U);
    slow->gate.open();
    const auto report = fan_out.stop(seconds(30));
    EXPECT_EQ(report[0].counters.written, 11U);
    EXPECT_EQ(slow->ids, numbers(0, 11));  // the new ones were dropped
    EXPECT_EQ(quick->ids, numbers(0, 31));
}

TEST_F(FanOutTest, TheQueueIsBoundedInBytesToo) {
    options_.queue_bytes = 100'000;
    FanOut fan_out(options_, losses_);
    const auto slow = add(fan_out, "slow");
    slow->blocks = true;
    fan_out.start();
    fan_out.exchange(record(0));
    slow->gate.wait_for_somebody();
    for (int i = 1; i < 20; ++i)
        fan_out.exchange(record(i, 50'000));
    EXPECT_EQ(fan_out.counters()[0].dropped, 17U);
    slow->gate.open();
    EXPECT_EQ(fan_out.stop(seconds(30))[0].counters.written, 3U);
}

TEST_F(FanOutTest, AReplayWaitsInsteadOfLosing) {
    options_.when_full = FanOutOptions::WhenFull::wait;
    options_.queue_items = 4;
    FanOut fan_out(options_, losses_);
    const auto sink = add(fan_out, "sink");
    fan_out.start();
    std::vector<std::thread> producers;
    producers.reserve(3);
    for (int p = 0; p < 3; ++p) {
        producers.emplace_back([&, p] {
            for (int i = 0; i < 1000; ++i)
                fan_out.exchange(record(p * 1000 + i));
        });
    }
    for (std::thread& producer : producers)
        producer.join();
    EXPECT_EQ(fan_out.stop(seconds(30))[0].counters.written, 3000U);
    EXPECT_EQ(sink->ids.size(), 3000U);
    EXPECT_EQ(losses_.get(model::Loss::queue_full), 0U);
}

TEST_F(FanOutTest, AFailingSinkIsCounted) {
    FanOut fan_out(options_, losses_);
    const auto sink = add(fan_out, "sink");
    sink->fails = true;
    fan_out.start();
    for (int i = 0; i < 5; ++i)
        fan_out.exchange(record(i));
    const auto report = fan_out.stop(seconds(30));
    EXPECT_EQ(report[0].counters.failed, 5U);
    EXPECT_EQ(report[0].counters.written, 0U);
    EXPECT_EQ(report[0].error, "no paper");
    EXPECT_EQ(losses_.get(model::Loss::sink_failed), 5U);
}

TEST_F(FanOutTest, FlushesNowAndThen) {
    options_.flush_interval = milliseconds(1);
    FanOut fan_out(options_, losses_);
    const auto sink = add(fan_out, "sink");
    fan_out.start();
    while (sink->flushes < 3)
        std::this_thread::yield();
    fan_out.stop(seconds(30));
}

TEST_F(FanOutTest, ASinkThatHangsIsLeftAlone) {
    auto losses = std::make_unique<model::LossCounters>();
    std::shared_ptr<Diary> sink;
    {
        FanOut fan_out(options_, *losses);
        sink = add(fan_out, "sink");
        sink->blocks = true;
        fan_out.start();
        for (int i = 0; i < 7; ++i)
            fan_out.exchange(record(i));
        sink->gate.wait_for_somebody();
        const auto report = fan_out.stop(milliseconds(10));
        EXPECT_EQ(report[0].abandoned, 7U);
        EXPECT_EQ(losses->get(model::Loss::queue_full), 7U);
    }
    losses.reset();  // the thread must not touch them any more
    sink->gate.open();
    while (!sink->closed)
        std::this_thread::yield();
    EXPECT_LE(sink->ids.size(), 1U);
}

TEST_F(FanOutTest, DestructionWithoutStopEndsTheThreads) {
    std::shared_ptr<Diary> sink;
    {
        FanOut fan_out(options_, losses_);
        sink = add(fan_out, "sink");
        fan_out.start();
        fan_out.exchange(record(1));
    }
    while (!sink->closed)
        std::this_thread::yield();
    {
        FanOut never_started(options_, losses_);
        sink = add(never_started, "sink");
    }
    EXPECT_TRUE(sink->closed);
}

TEST_F(FanOutTest, ItsThreadsBlockSignals) {
    class MaskSink final : public Sink {
     public:
        explicit MaskSink(std::atomic<bool>& blocked) : blocked_(blocked) {}
        std::string_view name() const override { return "mask"; }
        base::Result<void> exchange(const model::Cleared<model::Exchange>&) override {
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            blocked_ = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGPIPE) == 1;
            return {};
        }

     private:
        std::atomic<bool>& blocked_;
    };
    std::atomic<bool> blocked{false};
    FanOut fan_out(options_, losses_);
    fan_out.add(std::make_unique<MaskSink>(blocked));
    fan_out.start();
    fan_out.exchange(record(1));
    fan_out.stop(seconds(30));
    EXPECT_TRUE(blocked);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

}  // namespace
}  // namespace llmsnoop::exporters
