#pragma once
// Finds the two records of one exchange whose both ends are watched on this node: the client's and the server's.
//
// Thread-safe. Bounded: past the limit the oldest halves are forgotten, and their records say nothing of a pair.
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "agent/model/endpoint.h"
#include "agent/model/exchange.h"
#include "agent/model/http_event.h"

namespace llmsnoop::pipeline {

class Pairing {
 public:
    struct Key {
        model::Endpoint client;
        model::Endpoint server;
        model::ExchangeNumber exchange = 0;

        friend auto operator<=>(const Key&, const Key&) = default;
    };

    // Both sides of an exchange announce themselves when its request begins ...
    void started(const Key& key, model::Role role, const std::string& id);
    // ... and ask for the other when it is over.
    std::optional<std::string> other(const Key& key, model::Role role);

 private:
    struct Halves {
        std::string client;
        std::string server;
    };

    std::mutex mutex_;
    std::map<Key, Halves> open_;
    std::deque<Key> order_;
};

}  // namespace llmsnoop::pipeline
