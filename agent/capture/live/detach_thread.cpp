#include "agent/capture/live/detach_thread.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "agent/base/log.h"

namespace llmsnoop::capture::live {

namespace {
constexpr std::size_t kSideBySide = 16;
}

void detach(std::vector<Probe> probes) {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < probes.size(); i = next++)
            probes[i] = {};
    };
    std::vector<std::thread> helpers;
    for (std::size_t i = 1; i < std::min(kSideBySide, probes.size()); ++i)
        helpers.emplace_back(work);
    work();
    for (std::thread& one : helpers)
        one.join();
}

DetachThread::DetachThread() : thread_([this] { run(); }) {}

DetachThread::~DetachThread() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    news_.notify_one();
    thread_.join();
}

void DetachThread::add(std::vector<Job> jobs) {
    if (jobs.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        std::move(jobs.begin(), jobs.end(), std::back_inserter(waiting_));
    }
    news_.notify_one();
}

void DetachThread::run() {
    pthread_setname_np(pthread_self(), "detach");
    while (true) {
        std::vector<Job> jobs;
        {
            std::unique_lock lock(mutex_);
            news_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            jobs = std::exchange(waiting_, {});
        }
        std::vector<Probe> probes;
        for (Job& one : jobs)
            std::move(one.probes.begin(), one.probes.end(), std::back_inserter(probes));
        detach(std::move(probes));
        for (Job& one : jobs) {
            one.file.reset();
            base::log::info("no longer probing {}: {}", one.path, one.why);
        }
    }
}

}  // namespace llmsnoop::capture::live
