#include "agent/pipeline/pairing.h"

namespace llmsnoop::pipeline {

namespace {
constexpr std::size_t kMaxOpen = 16384;
}

void Pairing::started(const Key& key, model::Role role, const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = open_.try_emplace(key);
    std::string& mine = role == model::Role::client ? at->second.client : at->second.server;
    // The same addresses and the same ordinal again, by the same side: a later connection.
    if (!mine.empty() && mine != id) at->second = {};
    (role == model::Role::client ? at->second.client : at->second.server) = id;
    if (!fresh) return;
    order_.push_back(key);
    while (order_.size() > kMaxOpen) {
        open_.erase(order_.front());
        order_.pop_front();
    }
}

std::optional<std::string> Pairing::other(const Key& key, model::Role role) {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(key);
    if (at == open_.end()) return std::nullopt;
    const std::string& theirs = role == model::Role::client ? at->second.server : at->second.client;
    if (theirs.empty()) return std::nullopt;
    return theirs;
}

}  // namespace llmsnoop::pipeline
