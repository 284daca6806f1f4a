#pragma once
// Which responses have been counted, so that reading one again (polling, retrieval) does not count its tokens twice.
//
// Thread-safe. Remembers the most recent ones.
#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>

namespace llmsnoop::pipeline {

class CountedResponses {
 public:
    // True the first time.
    bool add(const std::string& response_id);

 private:
    std::mutex mutex_;
    std::unordered_set<std::string> known_;
    std::deque<std::string> order_;
};

}  // namespace llmsnoop::pipeline
