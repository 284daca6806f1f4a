#include "agent/pipeline/pairing.h"

#include <algorithm>
#include <utility>

namespace llmsnoop::pipeline {

namespace {

constexpr std::size_t kMaxOpen = 16384;
constexpr std::size_t kMaxWaiting = 4096;
constexpr std::uint64_t kRoundsToWait = 10;  // at least 100 ms of a live source

model::Role opposite(model::Role role) {
    return role == model::Role::client ? model::Role::server : model::Role::client;
}

// Then the other end is on this node. (It may be so for other addresses too, which nobody can tell.)
bool has_local_peer(const Pairing::Key& key) {
    return key.client.address == key.server.address;
}

}  // namespace

void Pairing::started(const Key& key, model::Role role, const std::string& id, const Finished& deliver) {
    std::optional<model::Exchange> completed;
    {
        const std::lock_guard lock(mutex_);
        const auto [at, fresh] = open_.try_emplace(key);
        std::string& mine = at->second.of(role);
        // The same addresses and the same ordinal again, by the same side: a later connection.
        if (!mine.empty() && mine != id) at->second = {};
        at->second.of(role) = id;
        if (fresh) order_.push_back(key);
        while (order_.size() > kMaxOpen) {
            open_.erase(order_.front());
            order_.pop_front();
        }
        const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) {
            return one.key == key && one.exchange.role == opposite(role);
        });
        if (waiting != waiting_.end()) {
            completed = std::move(waiting->exchange);
            completed->pair = id;
            waiting_.erase(waiting);
        }
    }
    if (completed) deliver(std::move(*completed));
}

void Pairing::finished(const Key& key, model::Exchange exchange, const Finished& deliver) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = open_.find(key);
        if (at != open_.end()) exchange.pair = at->second.of(opposite(exchange.role));
        if (exchange.pair.empty() && has_local_peer(key) && waiting_.size() < kMaxWaiting) {
            waiting_.push_back({key, round_ + kRoundsToWait, std::move(exchange)});
            return;
        }
    }
    deliver(std::move(exchange));
}

void Pairing::next_round(const Finished& deliver) {
    std::uint64_t round = 0;
    {
        const std::lock_guard lock(mutex_);
        round = ++round_;
    }
    for (model::Exchange& one : take_due(round))
        deliver(std::move(one));
}

void Pairing::flush(const Finished& deliver) {
    for (model::Exchange& one : take_due(UINT64_MAX))
        deliver(std::move(one));
}

std::vector<model::Exchange> Pairing::take_due(std::uint64_t round) {
    const std::lock_guard lock(mutex_);
    std::vector<model::Exchange> due;
    while (!waiting_.empty() && waiting_.front().until <= round) {
        due.push_back(std::move(waiting_.front().exchange));
        waiting_.pop_front();
    }
    return due;
}

}  // namespace llmsnoop::pipeline
