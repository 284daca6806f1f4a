#pragma once
// A thread on which executables without symbols are analysed, one after the other, so that a file that takes a second,
// or was made to take as long as it may, holds up nobody.
//
// `add` may be called from any thread; results are delivered on this object's own.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "agent/base/fd.h"
#include "agent/capture/live/procfs.h"
#include "agent/capture/live/stripped_finder.h"

namespace llmsnoop::capture::live {

class AnalysisThread {
 public:
    // Files are kept open while they wait: that many at most.
    static constexpr std::size_t kMaxWaiting = 128;

    using Done = std::function<void(const FileId& id, const base::Fd& file, const StrippedTls& found)>;
    explicit AnalysisThread(Done done) : done_(std::move(done)) {}

    // Gives up what waits and what is under way; `done` is not called any more once this has begun.
    ~AnalysisThread();
    AnalysisThread(const AnalysisThread&) = delete;
    AnalysisThread& operator=(const AnalysisThread&) = delete;

    // False if too many files are waiting. The thread starts with the first file.
    bool add(const FileId& id, base::Fd file);

 private:
    struct Job {
        FileId id;
        base::Fd file;
    };
    void run();

    const Done done_;
    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<Job> waiting_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace llmsnoop::capture::live
