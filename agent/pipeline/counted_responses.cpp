#include "agent/pipeline/counted_responses.h"

#include <utility>

#include "agent/base/sha256.h"

namespace llmsnoop::pipeline {

namespace {
constexpr std::size_t kRemembered = 65536;
}

bool CountedResponses::add(model::Role role, const std::string& provider, const std::string& response_id) {
    std::string key(role == model::Role::client ? "c " : "s ");
    key.append(provider).append(" ").append(response_id);
    // An identifier is the answer's to choose, up to 512 bytes, and many are remembered.
    constexpr std::size_t kLongest = 64;
    if (key.size() > kLongest) key = base::sha256_hex(key);
    const std::lock_guard lock(mutex_);
    if (!known_.insert(key).second) return false;
    order_.push_back(std::move(key));
    if (order_.size() > kRemembered) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

}  // namespace llmsnoop::pipeline
