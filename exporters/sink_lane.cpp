#include "exporters/sink_lane.h"

#include <pthread.h>

#include <utility>

#include "agent/base/log.h"
#include "exporters/signals_blocked.h"

namespace llmsnoop::exporters {

namespace {

constexpr auto kComplaintInterval = std::chrono::seconds(10);
// How long a lane lets records gather before it takes them. Waking a thread for each record costs several times what
// the record costs, and takes the CPU from the traced process.
constexpr auto kGather = std::chrono::milliseconds(10);
constexpr std::size_t kThreadNameBytes = 15;  // pthread_setname_np(3)

}  // namespace

SinkLane::SinkLane(std::unique_ptr<Sink> sink, const FanOutOptions& options, model::LossCounters& losses)
    : sink_(std::move(sink)), name_(sink_->name()), options_(options), losses_(losses) {}

void SinkLane::start() {
    const SignalsBlocked blocked;
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
    pthread_setname_np(thread_.native_handle(), ("sink:" + name_).substr(0, kThreadNameBytes).c_str());
}

bool SinkLane::has_room() const {
    // One record is always taken, however large it is.
    return queue_.empty() || (queue_.size() < options_.queue_items && queue_bytes_ < options_.queue_bytes);
}

bool SinkLane::is_filling() const {
    return 2 * queue_.size() >= options_.queue_items || 2 * queue_bytes_ >= options_.queue_bytes;
}

// The thread waits for the first item, then for time or a queue that fills up: nothing in between is worth a wake-up.
void SinkLane::wake_if_due() {
    if (queue_.size() == 1 || is_filling()) work_.notify_one();
}

void SinkLane::gather(std::unique_lock<std::mutex>& lock) {
    if (options_.when_full == FanOutOptions::WhenFull::wait) return;  // somebody is waiting for every bit of room
    work_.wait_for(lock, kGather, [this] { return stopping_ || is_filling(); });
}

bool SinkLane::enqueue(Item item, std::unique_lock<std::mutex>& lock) {
    if (options_.when_full == FanOutOptions::WhenFull::wait) {
        room_.wait(lock, [this] { return has_room() || stopping_; });
    }
    if (stopping_ || !has_room()) return false;
    queue_bytes_ += item.bytes;
    queue_.push_back(std::move(item));
    return true;
}

void SinkLane::push(Started started) {
    std::unique_lock lock(mutex_);
    // One that finds no room is no loss: the record itself follows.
    if (enqueue({std::move(started), 0}, lock)) wake_if_due();
}

void SinkLane::push(Record record, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    if (enqueue({std::move(record), bytes}, lock)) {
        ++queued_records_;
        wake_if_due();
    } else {
        ++dropped_;
        losses_.add(model::Loss::queue_full);
    }
}

SinkCounters SinkLane::counters() const {
    const std::lock_guard lock(mutex_);
    return count();
}

SinkCounters SinkLane::count() const {
    return {name_, queued_records_ + waiting_, accepted_ - waiting_, dropped_, failed_};
}

void SinkLane::begin_stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    room_.notify_all();
}

void SinkLane::discard() {
    const std::lock_guard lock(mutex_);
    queue_.clear();
    queue_bytes_ = 0;
    queued_records_ = 0;
}

SinkStop SinkLane::finish_stop(Deadline deadline) {
    SinkStop stop;
    std::unique_lock lock(mutex_);
    if (thread_.joinable()) done_cv_.wait_until(lock, deadline, [this] { return done_; });
    if (!done_ && !abandoned_) {
        abandoned_ = true;
        stop.abandoned = queued_records_ + waiting_;
        losses_.add(model::Loss::queue_full, stop.abandoned);
        queue_.clear();
        queue_bytes_ = 0;
    }
    stop.counters = count();
    stop.error = last_flush_error_;
    const bool ended = done_;
    lock.unlock();
    if (thread_.joinable()) {
        if (ended) {
            thread_.join();
        } else {
            thread_.detach();
        }
    }
    // What a sink does when it is closed belongs to the stop. One that hangs is closed by its own thread, if ever.
    if (ended) sink_.reset();
    return stop;
}

void SinkLane::run() {
    std::unique_lock lock(mutex_);
    Deadline next_flush = std::chrono::steady_clock::now() + options_.flush_interval;
    while (!abandoned_) {
        if (queue_.empty() && !stopping_) {
            work_.wait_until(lock, next_flush, [this] { return !queue_.empty() || stopping_; });
            if (!queue_.empty()) gather(lock);
        }
        if (!queue_.empty()) {
            const Item item = std::move(queue_.front());
            queue_.pop_front();
            queue_bytes_ -= item.bytes;
            room_.notify_one();
            deliver(item, lock);
        } else if (stopping_) {
            break;
        }
        if (std::chrono::steady_clock::now() >= next_flush && !abandoned_) {
            flush(lock);
            next_flush = std::chrono::steady_clock::now() + options_.flush_interval;
        }
    }
    if (!abandoned_) flush(lock);
    if (!abandoned_ && waiting_ > 0) {  // there is no other time to write these
        losses_.add(model::Loss::sink_failed, waiting_);
        failed_ += waiting_;
        accepted_ -= std::exchange(waiting_, 0);
    }
    done_ = true;
    done_cv_.notify_all();
}

// Both let go of the lock while the sink works, which may take long.

void SinkLane::deliver(const Item& item, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    base::Result<void> taken;
    const Record* record = std::get_if<Record>(&item.what);
    if (record != nullptr) {
        taken = sink_->exchange(**record);
    } else {
        sink_->started(*std::get<Started>(item.what));
    }
    const std::uint64_t waiting = sink_->waiting();
    if (!taken) complain(taken.error());
    lock.lock();
    if (record == nullptr || abandoned_) return;
    waiting_ = waiting;
    if (queued_records_ > 0) --queued_records_;
    if (taken) {
        ++accepted_;
    } else {
        ++failed_;
        losses_.add(model::Loss::sink_failed);
    }
}

void SinkLane::flush(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    const base::Result<void> flushed = sink_->flush();
    const std::uint64_t waiting = sink_->waiting();
    if (!flushed) complain(flushed.error());
    lock.lock();
    waiting_ = waiting;
    last_flush_error_ = flushed ? std::nullopt : std::optional(flushed.error().message);
}

void SinkLane::complain(const base::Error& error) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_complaint_) {
        ++silent_complaints_;
        return;
    }
    next_complaint_ = now + kComplaintInterval;
    const std::uint64_t silent = std::exchange(silent_complaints_, 0);
    if (silent == 0) {
        base::log::warn("sink {}: {}", name_, error.message);
    } else {
        base::log::warn("sink {}: {} (and {} failures since the last message)", name_, error.message, silent);
    }
}

}  // namespace llmsnoop::exporters
