#pragma once
// Hands every record to every sink. Each sink has a thread and a bounded queue of its own, so that a slow or broken one
// loses its own records only.
//
// `add` and `start` come first, from one thread. Then `started` and `exchange` may be called from any thread; `stop`
// from one, when no other call is under way or will follow.
//
// The threads block all signals: signals are for whoever set the process up, and a reader that goes away is told by
// EPIPE.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "agent/model/cleared.h"
#include "agent/model/exchange.h"
#include "agent/model/loss.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters {

struct FanOutOptions {
    enum class WhenFull : std::uint8_t {
        drop,  // the new record is lost to that sink, and counted: a live agent must not wait
        wait,  // the caller waits: a replay must not lose
    };

    WhenFull when_full = WhenFull::drop;
    std::size_t queue_items = 8192;
    std::size_t queue_bytes = 64U << 20;  // of the records' texts, roughly; one record is always taken
    base::Duration flush_interval = std::chrono::seconds(1);
};

// What became of a sink's records so far.
struct SinkCounters {
    std::string name;
    std::uint64_t queued = 0;   // waiting now, in the queue or in the sink
    std::uint64_t written = 0;  // by the sink
    std::uint64_t dropped = 0;  // found the queue full
    std::uint64_t failed = 0;   // the sink could not write, or still held at the end
};

// What was done at the end.
struct SinkStop {
    SinkCounters counters;
    std::uint64_t abandoned = 0;       // still in the queue or in the sink when time was up
    std::optional<std::string> error;  // of the last flush
};

class SinkLane;

class FanOut {
 public:
    // `losses` counts queue_full and sink_failed, for all sinks together; it must outlive this object.
    FanOut(FanOutOptions options, model::LossCounters& losses);
    // Stops without waiting for queues to drain, unless `stop` was called.
    ~FanOut();
    FanOut(const FanOut&) = delete;
    FanOut& operator=(const FanOut&) = delete;

    void add(std::unique_ptr<Sink> sink);
    void start();

    void started(model::Cleared<model::ExchangeStarted> started);
    void exchange(model::Cleared<model::Exchange> exchange);

    // From any thread, as long as no sink is being added.
    std::vector<SinkCounters> counters() const;

    // Lets the sinks take what is queued, flushes them, ends their threads and closes them. A sink that has not
    // finished when time is up is left alone: its thread ends with the process, and what it has not taken is reported
    // as abandoned and counted as queue_full.
    std::vector<SinkStop> stop(base::Duration deadline);

 private:
    FanOutOptions options_;
    model::LossCounters& losses_;
    // Shared with the threads, because one that hangs outlives this object.
    std::vector<std::shared_ptr<SinkLane>> lanes_;
};

}  // namespace llmsnoop::exporters
