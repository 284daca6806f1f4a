#pragma once
// Turns the raw bytes of one ring-buffer record (bpf/shared/wire.h) into a typed event: the only code that does.
//
// Records come from our own kernel programs, but nothing is trusted: sizes, kinds and texts are checked, and what does
// not fit is counted and dropped. Stateless except for the clock; thread-safe as long as set_clock is not called at the
// same time.
#include <atomic>
#include <cstdint>
#include <optional>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::capture {

class RecordDecoder {
 public:
    explicit RecordDecoder(model::LossCounters& losses) : losses_(losses) {}

    // Wall-clock time = the record's CLOCK_MONOTONIC time + offset, at the latest in the year 2116. May be called at
    // any time, by any thread.
    void set_clock(base::Duration monotonic_to_wall) { monotonic_to_wall_.store(monotonic_to_wall.count()); }

    // Nothing if the record is malformed. A Chunk's bytes point into `record`.
    std::optional<model::CaptureEvent> decode(base::Bytes record) const;

 private:
    base::Time wall(std::uint64_t monotonic_ns) const;

    model::LossCounters& losses_;
    std::atomic<std::int64_t> monotonic_to_wall_{0};
};

// Kernel loss counters by enum wire_loss, in the agent's terms.
model::Loss loss_of_wire(std::uint32_t wire_loss);

}  // namespace llmsnoop::capture
