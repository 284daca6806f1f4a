#include "agent/pipeline/pairing.h"

#include <functional>
#include <string_view>
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

std::size_t Pairing::Hash::operator()(const Key& key) const {
    // The client's port and the number differ between exchanges; the rest is alike for many.
    const std::uint64_t number = static_cast<std::uint64_t>(key.exchange) << 32 |
                                 static_cast<std::uint64_t>(key.client.port) << 16 | key.server.port;
    const auto& bytes = key.client.address.bytes;
    const std::string_view address(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::hash<std::string_view>()(address) ^ static_cast<std::size_t>(number * 0x9e3779b97f4a7c15ULL);
}

void Pairing::started(const Key& key, model::Role role, const std::string& id, const Finished& deliver) {
    deliver_all(note_start(key, role, id), deliver);
}

Pairing::Exchanges Pairing::note_start(const Key& key, model::Role role, const std::string& id) {
    Exchanges out;
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = open_.try_emplace(key);
    Halves& halves = at->second;
    // The same addresses and the same ordinal again, by the same side: a later connection.
    if (!halves.of(role).empty() && halves.of(role) != id) {
        out.push_back(std::move(halves.waiting));
        halves = {};
    }
    halves.of(role) = id;
    if (halves.waiting && halves.waiting->role == opposite(role)) {
        halves.waiting->pair = id;
        out.push_back(std::move(halves.waiting));
    }
    if (fresh) order_.push_back(key);
    while (order_.size() > kMaxOpen) {
        if (const auto oldest = open_.find(order_.front()); oldest != open_.end()) {
            out.push_back(std::move(oldest->second.waiting));
            open_.erase(oldest);
        }
        order_.pop_front();
    }
    return out;
}

void Pairing::finished(const Key& key, model::Exchange exchange, const Finished& deliver) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = open_.find(key);
        if (at != open_.end()) exchange.pair = at->second.of(opposite(exchange.role));
        const bool may_wait = at != open_.end() && !at->second.waiting && due_.size() < kMaxWaiting;
        if (exchange.pair.empty() && has_local_peer(key) && may_wait) {
            at->second.waiting = std::make_unique<model::Exchange>(std::move(exchange));
            due_.push_back({round_ + kRoundsToWait, key});
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
    deliver_all(take_due(round), deliver);
}

void Pairing::flush(const Finished& deliver) {
    deliver_all(take_due(UINT64_MAX), deliver);
}

Pairing::Exchanges Pairing::take_due(std::uint64_t round) {
    Exchanges out;
    const std::lock_guard lock(mutex_);
    for (; !due_.empty() && due_.front().round <= round; due_.pop_front()) {
        if (const auto at = open_.find(due_.front().key); at != open_.end())
            out.push_back(std::move(at->second.waiting));
    }
    return out;
}

void Pairing::deliver_all(const Exchanges& exchanges, const Finished& deliver) {
    for (const auto& one : exchanges) {
        if (one) deliver(std::move(*one));
    }
}

}  // namespace llmsnoop::pipeline
