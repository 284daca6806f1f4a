#pragma once
// Signals as events: blocked in every thread, taken by one that waits for them. Make it before any other thread exists.
#include <csignal>
#include <functional>
#include <thread>

#include "agent/base/fd.h"

namespace llmsnoop::app {

class Signals {
 public:
    // SIGINT and SIGTERM call `stop` (a second one ends the process at once), SIGHUP calls `reload`, and is as good as
    // SIGTERM where there is nothing to reload. From a thread of its own.
    explicit Signals(std::function<void()> stop, std::function<void()> reload = {});
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

 private:
    void wait(const std::function<void()>& stop, const std::function<void()>& reload) const;

    base::Fd signals_;  // signalfd
    base::Fd end_;      // eventfd
    std::thread thread_;
};

}  // namespace llmsnoop::app
