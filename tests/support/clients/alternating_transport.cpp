#include "tests/support/clients/alternating_transport.h"

namespace llmsnoop::support {

AlternatingTransport::AlternatingTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {
    for (std::size_t i = 0; i < threads_.size(); ++i)
        threads_[i] = std::thread(&AlternatingTransport::work, this, i);
}

AlternatingTransport::~AlternatingTransport() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
}

bool AlternatingTransport::write(std::string_view bytes) {
    bool written = false;
    run_on_next_thread([&] { written = inner_->write(bytes); });
    return written;
}

std::size_t AlternatingTransport::read(char* into, std::size_t size) {
    std::size_t got = 0;
    run_on_next_thread([&] { got = inner_->read(into, size); });
    return got;
}

void AlternatingTransport::shutdown() {
    run_on_next_thread([&] { inner_->shutdown(); });
}

void AlternatingTransport::run_on_next_thread(const std::function<void()>& call) {
    std::unique_lock lock(mutex_);
    turn_ = (turn_ + 1) % threads_.size();
    call_ = &call;
    changed_.notify_all();
    changed_.wait(lock, [this] { return call_ == nullptr; });
}

void AlternatingTransport::work(std::size_t index) {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stop_ || (call_ != nullptr && turn_ == index); });
        if (stop_) return;
        (*call_)();
        call_ = nullptr;
        changed_.notify_all();
    }
}

}  // namespace llmsnoop::support
