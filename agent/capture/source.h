#pragma once
// Where bytes come from: live BPF, a tape, a packet capture, a test script. One of the three seams with virtual
// functions.
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/function_ref.h"
#include "agent/base/result.h"
#include "agent/model/blind.h"
#include "agent/model/capture_event.h"

namespace llmsnoop::capture {

using EventOut = base::FunctionRef<void(const model::CaptureEvent&)>;

class Source {
 public:
    enum class Status : std::uint8_t { idle, busy, finished };

    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    // The number of independent streams of events. All events of a connection come from one shard, and in order.
    virtual unsigned shards() const { return 1; }

    // Delivers what is there, up to some reasonable amount, and waits up to `wait` if there is nothing. Each shard may
    // be polled by a thread of its own; one shard only by one thread at a time. `finished`: nothing will ever come
    // again.
    virtual base::Result<Status> poll(unsigned shard, base::Duration wait, EventOut out) = 0;

    // The caller has no use for the bytes of this direction before `until` (absent: for good). A source may go on
    // delivering.
    virtual void mute(model::ConnectionId connection, model::Direction direction, std::optional<std::uint64_t> until);

    // The last round is over: adds to the losses what has not been added yet. From one thread.
    virtual void settle();

    // The caller has closed this connection; what the source remembers of its mutes can go.
    virtual void released(model::ConnectionId connection);

    // Why TLS of this process may not be seen, by what is known of its files. Nothing: it has ended, or was of another
    // time and machine. Thread-safe.
    virtual std::optional<model::BlindCause> why_unseen(const model::ProcessKey& process);
};

}  // namespace llmsnoop::capture
