#pragma once
// Makes every call of another transport from the other of two threads, one call at a time: how a connection looks that
// a thread pool shares under a lock.
#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "tests/support/clients/transport.h"

namespace llmsnoop::support {

class AlternatingTransport final : public Transport {
 public:
    explicit AlternatingTransport(std::unique_ptr<Transport> inner);
    ~AlternatingTransport() override;

    bool write(std::string_view bytes) override;
    std::size_t read(char* into, std::size_t size) override;
    void shutdown() override;
    std::uint16_t port() const override { return inner_->port(); }
    const CallCounts& counts() const override { return inner_->counts(); }

 private:
    void run_on_next_thread(const std::function<void()>& call);
    void work(std::size_t index);

    std::unique_ptr<Transport> inner_;
    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void()>* call_ = nullptr;  // to be made by thread `turn_`; nullptr when done
    std::size_t turn_ = 0;
    bool stop_ = false;
    std::array<std::thread, 2> threads_;
};

}  // namespace llmsnoop::support
