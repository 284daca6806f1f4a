#pragma once
// The connections of one shard of the source. Everything in it belongs to one thread, so nothing in it is locked.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/model/capture_event.h"
#include "agent/pipeline/connection_tracker.h"
#include "agent/pipeline/services.h"

namespace llmsnoop::pipeline {

class Shard {
 public:
    explicit Shard(Services& services) : services_(services) {}
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    // Process events are the engine's business and are ignored here.
    void on(const model::CaptureEvent& event);

    // The process is gone (or runs another program): so are its connections.
    void process_ended(const model::ProcessEnded& event);

    // The source has ended: what is still open is delivered as far as it got.
    void finish();

    std::size_t open_connections() const { return connections_.size(); }

 private:
    struct Entry {
        std::unique_ptr<ConnectionTracker> tracker;
        base::Time last_seen;
    };

    // What is left of a connection that has been silent for long.
    struct Resting {
        model::ConnectionOpened opened;
        std::string server_name;
    };

    void open(const model::ConnectionOpened& event);
    void chunk(const model::Chunk& event);
    void close(const model::ConnectionClosed& event);
    void drop_idle(base::Time now);
    void rest(model::ConnectionId id, const ConnectionTracker& tracker);
    ConnectionTracker* wake(model::ConnectionId id, base::Time time);
    ConnectionTracker* find(model::ConnectionId id, base::Time time);

    Services& services_;
    std::unordered_map<model::ConnectionId, Entry> connections_;
    std::unordered_map<model::ConnectionId, Resting> resting_;
    base::Time latest_;
    base::Time next_sweep_;
};

}  // namespace llmsnoop::pipeline
