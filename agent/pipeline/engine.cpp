#include "agent/pipeline/engine.h"

#include <thread>
#include <utility>

namespace llmsnoop::pipeline {

namespace {
constexpr base::Duration kLongestWait = std::chrono::milliseconds(200);  // bounds how late stop() is noticed
}

Engine::Engine(Services& services) : services_(services) {
    for (unsigned i = 0; i < services.source.shards(); ++i)
        lanes_.push_back(std::make_unique<Lane>(services));
}

Engine::~Engine() = default;

base::Result<void> Engine::run() {
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < lanes_.size(); ++i)
        threads.emplace_back([this, i] { run_lane(i); });
    run_lane(0);
    for (std::thread& one : threads)
        one.join();
    services_.pairing.flush(services_.output.finished);
    if (services_.output.ended) services_.output.ended();
    services_.source.settle();
    for (const auto& lane : lanes_) {
        if (lane->failure) return *lane->failure;
    }
    return {};
}

void Engine::run_lane(unsigned index) {
    Lane& lane = *lanes_[index];
    bool last_round = false;
    while (true) {
        // Processes that ended before this round began: once the round is over, all that they sent before has been
        // read.
        std::vector<model::ProcessEnded> ended;
        {
            const std::lock_guard lock(lane.mutex);
            ended = std::exchange(lane.ended, {});
        }
        const base::Duration wait = ended.empty() && !last_round ? kLongestWait : base::Duration(0);
        const auto status =
            services_.source.poll(index, wait, [&](const model::CaptureEvent& event) { on_event(lane, event); });
        if (!status) {
            lane.failure = status.error();
            stop();
            break;
        }
        if (index == 0) {
            services_.pairing.next_round(services_.output.finished);
            if (services_.blind != nullptr) services_.blind->tick(base::now());
            if (services_.output.round) services_.output.round();
        }
        for (const model::ProcessEnded& one : ended) {
            lane.shard.process_ended(one);
            services_.processes.ended(one.process);
            if (services_.blind != nullptr && index == 0) services_.blind->ended(one);
        }
        if (*status == capture::Source::Status::finished || last_round) break;
        last_round = stop_.load(std::memory_order_relaxed);
    }
    {
        const std::lock_guard lock(lane.mutex);
        for (const model::ProcessEnded& one : lane.ended)
            lane.shard.process_ended(one);
    }
    lane.shard.finish();
}

void Engine::on_event(Lane& lane, const model::CaptureEvent& event) {
    if (const auto* seen = std::get_if<model::ProcessSeen>(&event)) {
        services_.processes.seen(seen->process);
    } else if (const auto* ended = std::get_if<model::ProcessEnded>(&event)) {
        pass_on(*ended);
    } else if (const auto* unprobed = std::get_if<model::UnprobedTls>(&event)) {
        if (services_.blind != nullptr) services_.blind->unprobed(*unprobed);
    } else {
        lane.shard.on(event);
    }
}

void Engine::pass_on(const model::ProcessEnded& event) {
    for (const auto& lane : lanes_) {
        const std::lock_guard lock(lane->mutex);
        lane->ended.push_back(event);
    }
}

}  // namespace llmsnoop::pipeline
