#pragma once
// A request to stop that may come before there is anything to stop, while it runs, or when it is over already.
#include <functional>
#include <mutex>
#include <utility>

namespace llmsnoop::app {

// Thread-safe.
class StopRequest {
 public:
    void make() {
        const std::lock_guard lock(mutex_);
        made_ = true;
        if (stop_) stop_();
    }

    // From here on `stop` is what stops it, as long as the returned object lives; called at once if the request has
    // been made. It must not block.
    class Target {
     public:
        Target(StopRequest& request, std::function<void()> stop) : request_(request) {
            const std::lock_guard lock(request_.mutex_);
            request_.stop_ = std::move(stop);
            if (request_.made_) request_.stop_();
        }
        ~Target() {
            const std::lock_guard lock(request_.mutex_);
            request_.stop_ = nullptr;
        }
        Target(const Target&) = delete;
        Target& operator=(const Target&) = delete;

     private:
        StopRequest& request_;
    };

 private:
    std::mutex mutex_;
    std::function<void()> stop_;
    bool made_ = false;
};

}  // namespace llmsnoop::app
