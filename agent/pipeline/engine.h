#pragma once
// Runs a source through the shards: one thread per shard, each with its own connections. Events of processes, which
// arrive on one shard only, are passed on to all.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/base/result.h"
#include "agent/pipeline/services.h"
#include "agent/pipeline/shard.h"

namespace llmsnoop::pipeline {

class Engine {
 public:
    explicit Engine(Services& services);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Runs until the source has finished, fails, or stop() is called; then delivers what is still open and returns.
    // Blocks.
    base::Result<void> run();

    // From any thread, also from a signal handler: it only sets a flag.
    void stop() { stop_.store(true, std::memory_order_relaxed); }

 private:
    struct Lane {
        explicit Lane(Services& services) : shard(services) {}

        Shard shard;
        std::mutex mutex;
        std::vector<model::ProcessEnded> ended;  // guarded by the mutex
        std::optional<base::Error> failure;
    };

    void run_lane(unsigned index);
    void on_event(Lane& lane, const model::CaptureEvent& event);
    void pass_on(const model::ProcessEnded& event);

    Services& services_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::atomic<bool> stop_{false};
};

}  // namespace llmsnoop::pipeline
