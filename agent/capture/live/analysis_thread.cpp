#include "agent/capture/live/analysis_thread.h"

#include <fmt/format.h>
#include <pthread.h>

namespace llmsnoop::capture::live {

AnalysisThread::~AnalysisThread() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        waiting_.clear();
    }
    news_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool AnalysisThread::add(const FileId& id, base::Fd file) {
    {
        const std::lock_guard lock(mutex_);
        if (stop_ || waiting_.size() >= kMaxWaiting) return false;
        waiting_.push_back({id, std::move(file)});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    news_.notify_one();
    return true;
}

void AnalysisThread::run() {
    pthread_setname_np(pthread_self(), "analysis");
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            news_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
            if (stop_) return;
            job = std::move(waiting_.front());
            waiting_.pop_front();
        }
        // By the descriptor, so that what is analysed and what is probed is one file, whatever the path has become.
        const auto file = ElfFile::open(fmt::format("/proc/self/fd/{}", job.file.get()));
        if (!file) continue;
        const StrippedTls found = find_stripped_tls(**file, &stop_);
        if (!stop_) done_(job.id, job.file, found);
    }
}

}  // namespace llmsnoop::capture::live
