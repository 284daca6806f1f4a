#include "agent/app/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "agent/base/log.h"

namespace llmsnoop::app {

Signals::Signals(std::function<void()> stop, std::function<void()> reload) {
    sigset_t taken;
    sigemptyset(&taken);
    for (const int one : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&taken, one);
    pthread_sigmask(SIG_BLOCK, &taken, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    signals_.reset(signalfd(-1, &taken, SFD_CLOEXEC));
    end_.reset(eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this, stop = std::move(stop), reload = std::move(reload)] { wait(stop, reload); });
}

Signals::~Signals() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(end_.get(), &one, sizeof one);
    thread_.join();
}

void Signals::wait(const std::function<void()>& stop, const std::function<void()>& reload) const {
    bool stopping = false;
    while (true) {
        std::array<pollfd, 2> waiting{{{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
        poll(waiting.data(), waiting.size(), -1);
        if (waiting[1].revents != 0) return;
        signalfd_siginfo taken{};
        if (read(signals_.get(), &taken, sizeof taken) != sizeof taken) continue;
        if (taken.ssi_signo == SIGHUP && reload) {
            reload();
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
