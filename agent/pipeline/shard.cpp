#include "agent/pipeline/shard.h"

#include <vector>

namespace llmsnoop::pipeline {

namespace {

using std::chrono::minutes;

// A connection that says nothing for so long and has no exchange open is forgotten; should it speak again, it is met as
// one that was joined late.
constexpr base::Duration kIdle = minutes(15);
// With an exchange open it may be waiting for a slow answer; but its end may also have been lost, and then nobody else
// would ever deliver what was seen of it.
constexpr base::Duration kAbandoned = std::chrono::hours(1);
constexpr base::Duration kSweepEvery = minutes(1);

model::ConnectionClosed closing(model::ConnectionId id, base::Time time, model::ConnectionClosed::How how) {
    model::ConnectionClosed out;
    out.id = id;
    out.time = time;
    out.how = how;
    return out;
}

}  // namespace

void Shard::on(const model::CaptureEvent& event) {
    if (const auto* one = std::get_if<model::Chunk>(&event)) {
        chunk(*one);
    } else if (const auto* opened = std::get_if<model::ConnectionOpened>(&event)) {
        open(*opened);
    } else if (const auto* addressed = std::get_if<model::ConnectionAddressed>(&event)) {
        if (ConnectionTracker* tracker = find(addressed->id, latest_)) tracker->addressed(*addressed);
    } else if (const auto* named = std::get_if<model::ConnectionNamed>(&event)) {
        if (ConnectionTracker* tracker = find(named->id, latest_)) tracker->named(*named);
    } else if (const auto* ended = std::get_if<model::DirectionEnded>(&event)) {
        if (ConnectionTracker* tracker = find(ended->connection, ended->time)) tracker->direction_ended(*ended);
    } else if (const auto* closed = std::get_if<model::ConnectionClosed>(&event)) {
        close(*closed);
    }
}

ConnectionTracker* Shard::find(model::ConnectionId id, base::Time time) {
    const auto at = connections_.find(id);
    if (at == connections_.end()) return nullptr;
    at->second.last_seen = time;
    return at->second.tracker.get();
}

void Shard::open(const model::ConnectionOpened& event) {
    if (connections_.size() >= services_.settings.connections) {
        services_.losses.add(model::Loss::connection_limit);
        return;
    }
    latest_ = event.time;
    connections_[event.id] = {std::make_unique<ConnectionTracker>(event, services_), event.time};
}

void Shard::chunk(const model::Chunk& event) {
    latest_ = event.time;
    const bool sent = event.direction == model::Direction::sent;
    services_.traffic.add(sent ? model::Traffic::sent_chunks : model::Traffic::received_chunks);
    services_.traffic.add(sent ? model::Traffic::sent_bytes : model::Traffic::received_bytes, event.bytes.size());
    if (ConnectionTracker* tracker = find(event.connection, event.time)) {
        tracker->chunk(event);
    } else {
        services_.losses.add(model::Loss::connection_unknown);
    }
    if (event.time >= next_sweep_) drop_idle(event.time);
}

void Shard::close(const model::ConnectionClosed& event) {
    const auto at = connections_.find(event.id);
    if (at == connections_.end()) return;
    at->second.tracker->closed(event);
    connections_.erase(at);
}

void Shard::drop_idle(base::Time now) {
    next_sweep_ = now + kSweepEvery;
    std::vector<model::ConnectionId> idle;
    for (const auto& [id, entry] : connections_) {
        if (now - entry.last_seen > (entry.tracker->idle() ? kIdle : kAbandoned)) idle.push_back(id);
    }
    for (const model::ConnectionId id : idle)
        close(closing(id, now, model::ConnectionClosed::How::source_ended));
}

void Shard::process_ended(const model::ProcessEnded& event) {
    std::vector<model::ConnectionId> ended;
    for (const auto& [id, entry] : connections_) {
        if (entry.tracker->process() == event.process) ended.push_back(id);
    }
    for (const model::ConnectionId id : ended)
        close(closing(id, event.time, model::ConnectionClosed::How::process_ended));
}

void Shard::finish() {
    while (!connections_.empty()) {
        close(closing(connections_.begin()->first, latest_, model::ConnectionClosed::How::source_ended));
    }
}

}  // namespace llmsnoop::pipeline
