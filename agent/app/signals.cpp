#include "agent/app/signals.h"

#include <pthread.h>
#include <unistd.h>

#include "agent/base/log.h"

namespace llmsnoop::app {

Signals::Signals(std::function<void()> stop, std::function<void()> reload) {
    sigemptyset(&set_);
    for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
        sigaddset(&set_, one);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([this, stop = std::move(stop), reload = std::move(reload)] { wait(stop, reload); });
}

Signals::~Signals() {
    pthread_kill(thread_.native_handle(), SIGUSR1);  // our own way to end the wait
    thread_.join();
}

void Signals::wait(const std::function<void()>& stop, const std::function<void()>& reload) const {
    bool stopping = false;
    while (true) {
        int signal = 0;
        if (sigwait(&set_, &signal) != 0 || signal == SIGUSR1) return;
        if (signal == SIGHUP) {
            if (reload) reload();
            continue;
        }
        if (stopping) {
            base::log::warn("stopped at once, by a second signal");
            _exit(1);
        }
        stopping = true;
        stop();
    }
}

}  // namespace llmsnoop::app
