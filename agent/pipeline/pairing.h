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
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/model/endpoint.h"
#include "agent/model/exchange.h"
#include "agent/model/http_event.h"

namespace llmsnoop::pipeline {

class Pairing {
 public:
    using Finished = std::function<void(model::Exchange)>;

    // An exchange of a connection: by its number, where the connection was seen from its start, or by the identifier of
    // the response. An end that was joined later has numbers of its own.
    struct Key {
        model::Endpoint client;
        model::Endpoint server;
        model::ExchangeNumber exchange = 0;
        std::string response_id = {};

        friend bool operator==(const Key&, const Key&) = default;
    };
    // What is known of one exchange when it is over.
    struct Keys {
        std::optional<Key> by_number;
        std::optional<Key> by_response;
    };

    // Both sides of an exchange announce themselves when its request has been recognised; whoever waits for that is
    // delivered ...
    void started(const Key& key, model::Role role, const std::string& id, const Finished& deliver);
    // ... and name the other in their record when it is over.
    void finished(const Keys& keys, model::Exchange exchange, const Finished& deliver);

    // One thread calls this after each round of the source, and `flush` at the end: delivers those that have waited
    // long enough.
    void next_round(const Finished& deliver);
    void flush(const Finished& deliver);

 private:
    // A record that waits, under each of its keys; whoever comes first takes it.
    using Waiting = std::shared_ptr<std::unique_ptr<model::Exchange>>;

    struct Halves {
        std::string client;  // their ids, where known
        std::string server;
        Waiting waiting;  // over, and without its other half

        std::string& of(model::Role role) { return role == model::Role::client ? client : server; }
    };
    struct Due {
        std::uint64_t round = 0;
        Key key;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const;
    };
    using Exchanges = std::vector<std::unique_ptr<model::Exchange>>;

    void note_start(const Key& key, model::Role role, const std::string& id, Exchanges& due);
    static std::unique_ptr<model::Exchange> take(const Waiting& waiting);
    Exchanges take_due(std::uint64_t round);
    static void deliver_all(const Exchanges& exchanges, const Finished& deliver);

    std::mutex mutex_;
    std::unordered_map<Key, Halves, Hash> open_;
    std::deque<Key> order_;
    std::deque<Due> due_;  // by round; some no longer wait
    std::uint64_t round_ = 0;
};

}  // namespace llmsnoop::pipeline
