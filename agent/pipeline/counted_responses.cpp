#include "agent/pipeline/counted_responses.h"

#include <charconv>

#include "agent/base/sha256.h"

namespace llmsnoop::pipeline {

namespace {
constexpr std::size_t kRemembered = 262144;

// An identifier is the answer's to choose: nobody shall choose one that another's is mistaken for.
std::uint64_t key_of(model::Role role, const std::string& provider, const std::string& response_id) {
    std::string name(role == model::Role::client ? "c " : "s ");
    name.append(provider).append(" ").append(response_id);
    const std::string hash = base::sha256_hex(name);
    std::uint64_t key = 0;
    std::from_chars(hash.data(), hash.data() + 16, key, 16);
    return key;
}

}  // namespace

bool CountedResponses::add(model::Role role, const std::string& provider, const std::string& response_id, By by,
                           base::Time began) {
    const std::uint64_t key = key_of(role, provider, response_id);
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = known_.emplace(key, Shown{by, began});
    if (!is_new) return by == By::call && !at->second.is_reading_of_call(began);
    order_.push_back(key);
    if (order_.size() > kRemembered) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

bool CountedResponses::was_read(model::Role role, const std::string& provider, const std::string& response_id,
                                base::Time began) const {
    const std::uint64_t key = key_of(role, provider, response_id);
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(key);
    return at != known_.end() && at->second.is_reading_of_call(began);
}

}  // namespace llmsnoop::pipeline
