#pragma once
// Finds the two records of one exchange whose both ends are watched on this node: the client's and the server's.
//
// The end that is over first may be over before anything of the other was seen: a server can read, answer and be done
// before its client's SSL_write has even returned. A record whose peer has the same address as itself therefore waits
// for its other half, for a few rounds of the source.
//
// Thread-safe. Bounded: past the limits the oldest halves are forgotten, and records do not wait.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/endpoint.h"
#include "agent/model/exchange.h"
#include "agent/model/http_event.h"

namespace llmsnoop::pipeline {

class Pairing {
 public:
    using Finished = std::function<void(model::Exchange)>;

    struct Key {
        model::Endpoint client;
        model::Endpoint server;
        model::ExchangeNumber exchange = 0;

        friend auto operator<=>(const Key&, const Key&) = default;
    };

    // Both sides of an exchange announce themselves when its request has been recognised; whoever waits for that is
    // delivered ...
    void started(const Key& key, model::Role role, const std::string& id, const Finished& deliver);
    // ... and name the other in their record when it is over.
    void finished(const Key& key, model::Exchange exchange, const Finished& deliver);

    // One thread calls this after each round of the source, and `flush` at the end: delivers those that have waited
    // long enough.
    void next_round(const Finished& deliver);
    void flush(const Finished& deliver);

 private:
    struct Halves {
        std::string client;
        std::string server;

        std::string& of(model::Role role) { return role == model::Role::client ? client : server; }
    };
    struct Waiting {
        Key key;
        std::uint64_t until = 0;  // round
        model::Exchange exchange;
    };

    std::vector<model::Exchange> take_due(std::uint64_t round);

    std::mutex mutex_;
    std::map<Key, Halves> open_;
    std::deque<Key> order_;
    std::deque<Waiting> waiting_;  // by round
    std::uint64_t round_ = 0;
};

}  // namespace llmsnoop::pipeline
