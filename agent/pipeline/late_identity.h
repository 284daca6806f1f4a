#pragma once
// Lets records wait until the pod of their process is known: its first call can be over before the API server has told
// of the pod. A record that has waited long enough leaves with what is known, and is counted (Loss::pod_unknown).
//
// The notice of an exchange's start waits likewise, so that both carry the same names, and never comes after the end.
//
// Thread-safe. Bounded in time, number and bytes: past the limits nothing waits.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>

#include "agent/attribution/pod_table.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"

namespace llmsnoop::pipeline {

class LateIdentity {
 public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::chrono::milliseconds wait{5000};
        std::size_t waiting = 4096;     // starts and records together
        std::size_t bytes = 64U << 20;  // of their texts together
    };
    struct Out {
        std::function<void(model::ExchangeStarted)> started;
        std::function<void(model::Exchange)> finished;
    };

    // `pods` and `losses` must outlive it.
    LateIdentity(Options options, attribution::PodTable& pods, model::LossCounters& losses, Out out,
                 Clock::time_point (*clock)() = &Clock::now)
        : options_(options), pods_(pods), losses_(losses), out_(std::move(out)), clock_(clock) {}

    void started(model::ExchangeStarted started);
    void finished(model::Exchange exchange);

    // One thread calls this now and then: delivers what has become known or has waited long enough. `flush`: all.
    void next_round();
    void flush();

    std::size_t waiting() const;

 private:
    using Item = std::variant<model::ExchangeStarted, model::Exchange>;
    struct Waiting {
        Item item;
        Clock::time_point until;
        std::size_t bytes;
    };

    bool wait(Item& item);
    void leave(const Waiting& one);
    void deliver(Item item, attribution::PodTable::Answer answer);

    const Options options_;
    attribution::PodTable& pods_;
    model::LossCounters& losses_;
    const Out out_;
    Clock::time_point (*const clock_)();

    mutable std::mutex mutex_;                          // guards what follows
    std::deque<Waiting> waiting_;                       // by time of arrival, and so by `until`
    std::unordered_map<std::string, std::size_t> ids_;  // how many items wait of each exchange
    std::size_t bytes_ = 0;
    std::uint64_t changes_ = 0;  // of the table, when it was last asked
};

}  // namespace llmsnoop::pipeline
