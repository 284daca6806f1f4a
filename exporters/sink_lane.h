#pragma once
// One sink of a FanOut with its queue and its thread. Shared by the FanOut and the thread.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "exporters/fan_out.h"

namespace llmsnoop::exporters {

class SinkLane : public std::enable_shared_from_this<SinkLane> {
 public:
    using Started = std::shared_ptr<const model::Cleared<model::ExchangeStarted>>;
    using Record = std::shared_ptr<const model::Cleared<model::Exchange>>;
    using Deadline = std::chrono::steady_clock::time_point;

    SinkLane(std::unique_ptr<Sink> sink, const FanOutOptions& options, model::LossCounters& losses);

    void start();
    void push(Started started);
    // `bytes` is roughly what the record's texts take.
    void push(Record record, std::size_t bytes);
    SinkCounters counters() const;

    void begin_stop();  // takes nothing more; the thread ends when the queue is empty
    void discard();     // empties the queue
    SinkStop finish_stop(Deadline deadline);

 private:
    struct Item {
        std::variant<Started, Record> what;
        std::size_t bytes = 0;
    };

    SinkCounters count() const;  // with the lock held
    bool has_room() const;
    bool is_filling() const;  // half full, or more
    void wake_if_due();
    void gather(std::unique_lock<std::mutex>& lock);
    bool enqueue(Item item, std::unique_lock<std::mutex>& lock);
    void run();
    void deliver(const Item& item, std::unique_lock<std::mutex>& lock);
    void flush(std::unique_lock<std::mutex>& lock);
    void complain(const base::Error& error);

    std::unique_ptr<Sink> sink_;  // used by the thread only, as long as there is one
    const std::string name_;
    const FanOutOptions options_;
    model::LossCounters& losses_;  // not touched once `abandoned_` is set

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable work_;
    std::condition_variable room_;
    std::condition_variable done_cv_;
    std::deque<Item> queue_;
    std::size_t queue_bytes_ = 0;
    std::uint64_t queued_records_ = 0;  // records in `queue_`, and the one that is being delivered
    std::uint64_t accepted_ = 0;
    std::uint64_t waiting_ = 0;  // of those, in the sink
    std::uint64_t dropped_ = 0;
    std::uint64_t failed_ = 0;
    bool stopping_ = false;
    bool abandoned_ = false;
    bool done_ = false;
    std::optional<std::string> last_flush_error_;

    std::thread thread_;

    // The thread's own.
    Deadline next_complaint_{};
    std::uint64_t silent_complaints_ = 0;
};

}  // namespace llmsnoop::exporters
