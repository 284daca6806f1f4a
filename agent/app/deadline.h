#pragma once
// Calls something once when a time has passed, from a thread of its own; not if it is destroyed before.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace llmsnoop::app {

class Deadline {
 public:
    Deadline(std::chrono::milliseconds after, std::function<void()> call)
        : thread_([this, after, call = std::move(call)] {
              std::unique_lock lock(mutex_);
              if (!wake_.wait_for(lock, after, [this] { return cancelled_; })) call();
          }) {}
    ~Deadline() {
        {
            const std::lock_guard lock(mutex_);
            cancelled_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

 private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool cancelled_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace llmsnoop::app
