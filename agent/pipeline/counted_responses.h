#pragma once
// Which responses have been counted, so that reading one again (polling, retrieval) does not count its tokens twice:
// neither after the call that made it, nor before that call is over.
//
// Thread-safe. Remembers the most recent ones.
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "agent/model/exchange.h"

namespace llmsnoop::pipeline {

class CountedResponses {
 public:
    enum class By : std::uint8_t { call, reading };

    // Whether the tokens count here: the first time. Not so among calls: some servers draw their identifiers from a
    // thousand, and what two calls say are two answers. Two providers may use the same identifier, and on one node both
    // ends of a call see it.
    bool add(model::Role role, const std::string& provider, const std::string& response_id, By by);
    // Whether it has been counted where it was read, and not where it was made.
    bool was_counted_by_reading(model::Role role, const std::string& provider, const std::string& response_id) const;

 private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, By> known_;
    std::deque<std::string> order_;
};

}  // namespace llmsnoop::pipeline
