#pragma once
// A thread on which probes are detached. For each of them the kernel waits until nobody can be in the midst of it, some
// tens of milliseconds, and whoever waits for that cannot see to new files meanwhile.
//
// `add` may be called from any thread.
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/fd.h"
#include "agent/capture/live/programs.h"

namespace llmsnoop::capture::live {

// Detaches all of them; side by side, because those who wait at the same time wait for the same.
void detach(std::vector<Probe> probes);

class DetachThread {
 public:
    struct Job {
        std::string path;
        std::string why;  // for the log
        std::vector<Probe> probes;
        base::Fd file;  // is kept open until they are detached
    };

    DetachThread();
    ~DetachThread();  // finishes what was added
    DetachThread(const DetachThread&) = delete;
    DetachThread& operator=(const DetachThread&) = delete;

    void add(std::vector<Job> jobs);

 private:
    void run();

    std::mutex mutex_;
    std::condition_variable news_;
    std::vector<Job> waiting_;  // guarded by the mutex, like the next
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace llmsnoop::capture::live
