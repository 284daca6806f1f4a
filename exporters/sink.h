#pragma once
// Where records go. One of the three seams with virtual functions. A sink accepts only what the policy gate has
// cleared.
//
// fan_out gives every sink a thread and a bounded queue of its own, so an implementation is called from one thread at a
// time and may block; a slow sink loses its own items only.
#include <cstdint>
#include <string_view>

#include "agent/base/result.h"
#include "agent/model/cleared.h"
#include "agent/model/exchange.h"

namespace llmsnoop::exporters {

class Sink {
 public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;

    virtual std::string_view name() const = 0;

    // A model call was recognised and is under way. Every one is followed by one `exchange` with the same id.
    virtual void started(const model::Cleared<model::ExchangeStarted>& started);

    virtual base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) = 0;

    // Make durable what was accepted so far, as far as the sink's policy goes. Called now and then, and before the end.
    virtual base::Result<void> flush();

    // Records that `exchange` has accepted and that are not written yet. What still waits after the last flush is lost.
    virtual std::uint64_t waiting() const;
};

}  // namespace llmsnoop::exporters
