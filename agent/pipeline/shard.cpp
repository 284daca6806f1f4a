#include "agent/pipeline/shard.h"

#include <utility>
#include <vector>

namespace llmsnoop::pipeline {

namespace {

// Of a connection that says nothing for so long and has no exchange open only the facts are kept; should it speak
// again, it is met as one that was joined late. Its end may have been lost, or it waits in a pool.
constexpr base::Duration kIdle = std::chrono::hours(24);
// With an exchange open it may be waiting for a slow answer; but its end may also have been lost, and then nobody else
// would ever deliver what was seen of it.
constexpr base::Duration kAbandoned = std::chrono::hours(1);
constexpr base::Duration kSweepEvery = std::chrono::minutes(1);

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
    ConnectionTracker* tracker = find(event.connection, event.time);
    if (tracker == nullptr) tracker = wake(event.connection, event.time);
    if (tracker != nullptr) {
        tracker->chunk(event);
    } else {
        services_.losses.add(model::Loss::connection_unknown);
    }
    if (event.time >= next_sweep_) drop_idle(event.time);
}

void Shard::close(const model::ConnectionClosed& event) {
    const auto at = connections_.find(event.id);
    if (at == connections_.end()) {
        resting_.erase(event.id);
        return;
    }
    at->second.tracker->closed(event);
    connections_.erase(at);
}

void Shard::drop_idle(base::Time now) {
    next_sweep_ = now + kSweepEvery;
    std::vector<model::ConnectionId> idle;
    for (const auto& [id, entry] : connections_) {
        const bool given_up = entry.tracker->given_up();  // its bytes stay muted as long as it is there
        if (!given_up && now - entry.last_seen > (entry.tracker->idle() ? kIdle : kAbandoned)) idle.push_back(id);
    }
    for (const model::ConnectionId id : idle) {
        const auto at = connections_.find(id);
        rest(id, *at->second.tracker);
        at->second.tracker->closed(closing(id, now, model::ConnectionClosed::How::source_ended));
        connections_.erase(at);
    }
}

void Shard::rest(model::ConnectionId id, const ConnectionTracker& tracker) {
    if (resting_.size() >= services_.settings.connections) resting_.erase(resting_.begin());
    const ConnectionFacts& facts = tracker.facts();
    Resting& resting = resting_[id];
    resting.opened = facts.opened;
    resting.opened.local = facts.local;
    resting.opened.peer = facts.peer;
    resting.opened.from_start = false;
    resting.server_name = facts.server_name;
}

ConnectionTracker* Shard::wake(model::ConnectionId id, base::Time time) {
    const auto at = resting_.find(id);
    if (at == resting_.end()) return nullptr;
    if (connections_.size() >= services_.settings.connections) return nullptr;
    const Resting resting = std::move(at->second);
    resting_.erase(at);
    Entry& entry = connections_[id];
    entry = {std::make_unique<ConnectionTracker>(resting.opened, services_), time};
    entry.tracker->named({id, resting.server_name});
    return entry.tracker.get();
}

void Shard::process_ended(const model::ProcessEnded& event) {
    std::vector<model::ConnectionId> ended;
    for (const auto& [id, entry] : connections_) {
        if (entry.tracker->process() == event.process) ended.push_back(id);
    }
    for (const model::ConnectionId id : ended)
        close(closing(id, event.time, model::ConnectionClosed::How::process_ended));
    std::erase_if(resting_, [&](const auto& one) { return one.second.opened.process == event.process; });
}

void Shard::finish() {
    while (!connections_.empty()) {
        close(closing(connections_.begin()->first, latest_, model::ConnectionClosed::How::source_ended));
    }
}

}  // namespace llmsnoop::pipeline
