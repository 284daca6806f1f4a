#include "agent/pipeline/counted_responses.h"

namespace llmsnoop::pipeline {

namespace {
constexpr std::size_t kRemembered = 65536;
}

bool CountedResponses::add(const std::string& response_id) {
    const std::lock_guard lock(mutex_);
    if (!known_.insert(response_id).second) return false;
    order_.push_back(response_id);
    if (order_.size() > kRemembered) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

}  // namespace llmsnoop::pipeline
