#include "agent/capture/tcp_tracker.h"

#include <algorithm>
#include <vector>

namespace llmsnoop::capture {

using Phase = TcpFlow::Phase;

void TcpTracker::feed(const TcpSegment& segment, base::Time time, EventOut out) {
    latest_ = std::max(latest_, time);
    expire(out);
    const TcpFlow::Side side = segment.source < segment.destination ? 0 : 1;
    const Key key = side == 0 ? Key{segment.source, segment.destination} : Key{segment.destination, segment.source};
    const bool syn = segment.has(TcpSegment::kSyn);
    const auto found = table_.find(key);
    Shelf::iterator entry;
    if (found != table_.end() && syn && found->second->flow.starts_anew(side, segment)) {
        found->second->flow.finish(out);
        remove(found->second);
        entry = make(key, time, out);
    } else if (found != table_.end()) {
        entry = found->second;
    } else {
        // What carries nothing begins nothing: the last acknowledgements of a connection that is long closed, for
        // example.
        if (!syn && (segment.length == 0 || segment.has(TcpSegment::kReset))) return;
        entry = make(key, time, out);
    }
    const bool nearer_to_end = entry->flow.feed(side, segment, time, out);
    shelve(entry, nearer_to_end);
}

void TcpTracker::finish(EventOut out) {
    std::vector<TcpFlow*> flows;
    flows.reserve(table_.size());
    for (const auto& [key, entry] : table_)
        flows.push_back(&entry->flow);
    std::sort(flows.begin(), flows.end(), [](const TcpFlow* a, const TcpFlow* b) { return a->id() < b->id(); });
    for (TcpFlow* flow : flows)
        flow->finish(out);
    table_.clear();
    opening_.clear();
    open_.clear();
    ending_.clear();
}

TcpTracker::Shelf::iterator TcpTracker::make(const Key& key, base::Time time, EventOut out) {
    if (table_.size() >= limits_.connections) make_room(out);
    opening_.push_back({key, TcpFlow(++last_id_, key.first, key.second, time, losses_), {}, &opening_});
    const auto entry = std::prev(opening_.end());
    table_.emplace(key, entry);
    return entry;
}

// First those that are over or nearly so; then, lest a flood of SYNs push out every connection that matters, those that
// have not carried anything, if they are many.
void TcpTracker::make_room(EventOut out) {
    Shelf* shelf = &open_;
    if (!ending_.empty()) {
        shelf = &ending_;
    } else if (open_.empty() || opening_.size() > limits_.connections / 4) {
        shelf = &opening_;
    }
    if (shelf->empty()) return;
    const auto entry = shelf->begin();
    if (entry->flow.phase() != Phase::over) losses_.add(model::Loss::connection_limit);
    entry->flow.finish(out);
    remove(entry);
}

// Puts the entry at the end of the list where it belongs. On `ending_` it stays where it is unless its time begins
// anew.
void TcpTracker::shelve(Shelf::iterator entry, bool renew) {
    const Phase phase = entry->flow.phase();
    Shelf* to = phase == Phase::opening ? &opening_ : phase == Phase::open ? &open_ : &ending_;
    if (to == &ending_) {
        if (entry->shelf == to && !renew) return;
        entry->deadline = latest_ + limits_.linger;
    }
    to->splice(to->end(), *entry->shelf, entry);
    entry->shelf = to;
}

void TcpTracker::expire(EventOut out) {
    while (!ending_.empty() && ending_.front().deadline < latest_) {
        const auto entry = ending_.begin();
        const bool absorbed = entry->flow.phase() == Phase::over;
        if (!absorbed) entry->flow.give_up_waiting(out);
        // A connection that has waited for missing segments has had its time to absorb late packets, too.
        if (absorbed || entry->flow.phase() == Phase::over) {
            remove(entry);
        } else {
            shelve(entry, true);
        }
    }
}

void TcpTracker::remove(Shelf::iterator entry) {
    table_.erase(entry->key);
    entry->shelf->erase(entry);
}

}  // namespace llmsnoop::capture
