#pragma once
// Which responses have been counted, so that reading one again (polling, retrieval) does not count its tokens twice.
//
// Thread-safe. Remembers the most recent ones.
#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>

#include "agent/model/exchange.h"

namespace llmsnoop::pipeline {

class CountedResponses {
 public:
    // True the first time. Two providers may use the same identifier, and on one node both ends of a call see it.
    bool add(model::Role role, const std::string& provider, const std::string& response_id);

 private:
    std::mutex mutex_;
    std::unordered_set<std::string> known_;
    std::deque<std::string> order_;
};

}  // namespace llmsnoop::pipeline
