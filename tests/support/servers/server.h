#pragma once
// Accepts connections on loopback and gives each its own thread until told to stop.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/net/socket.h"
#include "tests/support/servers/certificate.h"
#include "tests/support/servers/ledger.h"

namespace llmsnoop::support {

class Server {
 public:
    // `context` is empty for a plain server. Requests that name no seed get `first_seed` and the numbers after it.
    Server(Listener listener, TlsContext context, SslCalls calls, Ledger::Keep keep, std::uint64_t first_seed)
        : listener_(std::move(listener)),
          context_(std::move(context)),
          calls_(calls),
          ledger_(keep),
          seeds_(first_seed) {}

    // Serves until `stop_fd` becomes readable, then ends every connection and waits for its thread.
    void run(int stop_fd);

    const Ledger& ledger() const { return ledger_; }

 private:
    struct Running {
        std::thread thread;
        int fd = -1;
        bool ended = false;
    };

    void start_session(base::Fd fd);
    void serve(base::Fd fd, std::uint64_t number);
    bool answer(Channel& channel, std::uint64_t number);
    void reap();
    void end_sessions();

    Listener listener_;
    TlsContext context_;
    const SslCalls calls_;
    Ledger ledger_;
    std::atomic<std::uint64_t> seeds_;
    std::atomic<bool> stop_{false};
    std::uint64_t connections_ = 0;

    std::mutex mutex_;
    std::map<std::uint64_t, Running> sessions_;  // by connection number; threads that have ended are joined in passing
};

}  // namespace llmsnoop::support
