#include "agent/pipeline/counted_responses.h"

#include <utility>

#include "agent/base/sha256.h"

namespace llmsnoop::pipeline {

namespace {
constexpr std::size_t kRemembered = 65536;

std::string key_of(model::Role role, const std::string& provider, const std::string& response_id) {
    std::string key(role == model::Role::client ? "c " : "s ");
    key.append(provider).append(" ").append(response_id);
    // An identifier is the answer's to choose, up to 512 bytes, and many are remembered.
    constexpr std::size_t kLongest = 64;
    return key.size() > kLongest ? base::sha256_hex(key) : key;
}

}  // namespace

bool CountedResponses::add(model::Role role, const std::string& provider, const std::string& response_id, By by,
                           base::Time began) {
    std::string key = key_of(role, provider, response_id);
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = known_.emplace(key, Shown{by, began});
    if (!is_new) return by == By::call && !at->second.is_reading_of_call(began);
    order_.push_back(std::move(key));
    if (order_.size() > kRemembered) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

bool CountedResponses::was_read(model::Role role, const std::string& provider, const std::string& response_id,
                                base::Time began) const {
    const std::string key = key_of(role, provider, response_id);
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(key);
    return at != known_.end() && at->second.is_reading_of_call(began);
}

}  // namespace llmsnoop::pipeline
