#pragma once
// Finished records for those who watch: a sink that hands each record to every subscriber. A subscriber who is slow
// loses records, and is told how many; it never holds up the agent.
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters::api {

class RecordStream {
 public:
    // Per subscriber.
    static constexpr std::size_t kMostRecords = 1024;
    static constexpr std::size_t kMostBytes = 4U << 20;

    using Record = std::shared_ptr<const std::string>;  // a JSON line

    class Subscription {
     public:
        ~Subscription();
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;

        // What has come, or nothing after `patience`. `dropped`: how many were lost before the first of them.
        std::vector<Record> take(base::Duration patience, std::uint64_t& dropped);

     private:
        friend class RecordStream;
        explicit Subscription(RecordStream& stream) : stream_(stream) {}

        RecordStream& stream_;
        std::condition_variable arrived_;
        std::deque<Record> records_;
        std::size_t bytes_ = 0;
        std::uint64_t dropped_ = 0;
    };

    explicit RecordStream(std::size_t most_subscribers) : most_subscribers_(most_subscribers) {}

    // Null: there are as many as may be. The stream must outlive it.
    std::unique_ptr<Subscription> subscribe();
    bool has_subscribers() const;
    void publish(std::string line);

 private:
    const std::size_t most_subscribers_;
    mutable std::mutex mutex_;  // guards what follows, and the subscriptions
    std::vector<Subscription*> subscriptions_;
};

class RecordStreamSink final : public Sink {
 public:
    RecordStreamSink(std::shared_ptr<RecordStream> stream, std::string node)
        : stream_(std::move(stream)), node_(std::move(node)) {}

    std::string_view name() const override { return "api"; }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override;

 private:
    std::shared_ptr<RecordStream> stream_;
    std::string node_;
};

}  // namespace llmsnoop::exporters::api
