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
    return std::hash<std::string_view>()(address) ^ std::hash<std::string>()(key.response_id) ^
           static_cast<std::size_t>(number * 0x9e3779b97f4a7c15ULL);
}

void Pairing::started(const Key& key, model::Role role, const std::string& id, const Finished& deliver) {
    Exchanges due;
    {
        const std::lock_guard lock(mutex_);
        note_start(key, role, id, due);
    }
    deliver_all(due, deliver);
}

std::unique_ptr<model::Exchange> Pairing::take(const Waiting& waiting) {
    return waiting ? std::move(*waiting) : nullptr;
}

void Pairing::note_start(const Key& key, model::Role role, const std::string& id, Exchanges& due) {
    const auto [at, fresh] = open_.try_emplace(key);
    Halves& halves = at->second;
    // The same addresses and the same ordinal again, by the same side: a later connection.
    if (!halves.of(role).empty() && halves.of(role) != id) {
        due.push_back(take(halves.waiting));
        halves = {};
    }
    halves.of(role) = id;
    if (halves.waiting && *halves.waiting && (*halves.waiting)->role == opposite(role)) {
        (*halves.waiting)->pair = id;
        due.push_back(take(halves.waiting));
    }
    if (fresh) order_.push_back(key);
    while (order_.size() > kMaxOpen) {
        if (const auto oldest = open_.find(order_.front()); oldest != open_.end()) {
            due.push_back(take(oldest->second.waiting));
            open_.erase(oldest);
        }
        order_.pop_front();
    }
}

void Pairing::finished(const Keys& keys, model::Exchange exchange, const Finished& deliver) {
    Exchanges due;
    {
        const std::lock_guard lock(mutex_);
        if (keys.by_response) note_start(*keys.by_response, exchange.role, exchange.id, due);
        Waiting waiting;
        for (const std::optional<Key>* key : {&keys.by_number, &keys.by_response}) {
            const auto at = *key ? open_.find(**key) : open_.end();
            if (at == open_.end()) continue;
            if (exchange.pair.empty()) exchange.pair = at->second.of(opposite(exchange.role));
            const bool taken = at->second.waiting && *at->second.waiting;
            if (!exchange.pair.empty() || taken || !has_local_peer(**key) || due_.size() >= kMaxWaiting) continue;
            if (!waiting) waiting = std::make_shared<std::unique_ptr<model::Exchange>>();
            at->second.waiting = waiting;
            due_.push_back({round_ + kRoundsToWait, **key});
        }
        auto done = std::make_unique<model::Exchange>(std::move(exchange));
        if (waiting && done->pair.empty())
            *waiting = std::move(done);
        else
            due.push_back(std::move(done));
    }
    deliver_all(due, deliver);
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
        if (const auto at = open_.find(due_.front().key); at != open_.end()) out.push_back(take(at->second.waiting));
    }
    return out;
}

void Pairing::deliver_all(const Exchanges& exchanges, const Finished& deliver) {
    for (const auto& one : exchanges) {
        if (one) deliver(std::move(*one));
    }
}

}  // namespace llmsnoop::pipeline
