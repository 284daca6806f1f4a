#pragma once
// The TCP connections of a capture file: sorts segments to connections and keeps the table of them bounded.
//
// Two connections may use the same addresses and ports one after the other; a SYN tells them apart. Sans-IO; time is
// that of the packets. Not thread-safe.
#include <cstddef>
#include <list>
#include <map>
#include <utility>

#include "agent/capture/tcp_flow.h"

namespace llmsnoop::capture {

struct TcpLimits {
    std::size_t connections = 65'536;  // kept at once; beyond, the one that is idle longest is given up
    // How long, by the capture's clock, segments that a FIN has overtaken are waited for, and late packets of a closed
    // connection are absorbed.
    base::Duration linger = std::chrono::seconds(5);
};

class TcpTracker {
 public:
    explicit TcpTracker(model::LossCounters& losses, const TcpLimits& limits = {}) : losses_(losses), limits_(limits) {}

    TcpTracker(const TcpTracker&) = delete;  // its entries point to its lists
    TcpTracker& operator=(const TcpTracker&) = delete;

    void feed(const TcpSegment& segment, base::Time time, EventOut out);

    // The capture is over: every connection that is still there is closed.
    void finish(EventOut out);

    std::size_t connections() const { return table_.size(); }

 private:
    using Key = std::pair<model::Endpoint, model::Endpoint>;  // the lower end first

    struct Entry {
        Key key;
        TcpFlow flow;
        base::Time deadline;      // of those on `ending_`
        std::list<Entry>* shelf;  // the list it is on
    };
    using Shelf = std::list<Entry>;

    Shelf::iterator make(const Key& key, base::Time time, EventOut out);
    void make_room(EventOut out);
    void shelve(Shelf::iterator entry, bool renew);
    void expire(EventOut out);
    void remove(Shelf::iterator entry);

    model::LossCounters& losses_;
    TcpLimits limits_;
    model::ConnectionId last_id_ = 0;
    base::Time latest_;
    std::map<Key, Shelf::iterator> table_;  // a tree: a hostile capture cannot choose keys that collide
    Shelf opening_;                         // least recently used first, as is
    Shelf open_;
    Shelf ending_;  // by deadline
};

}  // namespace llmsnoop::capture
