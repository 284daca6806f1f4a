#pragma once
// Which responses have been counted, so that reading one again (polling, retrieval) does not count its tokens twice:
// neither after the call that made it, nor before that call is over.
//
// Thread-safe. Remembers the most recent ones, more than the largest batch has results (Anthropic takes 100,000), by a
// hash of their names: a few dozen bytes each.
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "agent/base/clock.h"
#include "agent/model/exchange.h"

namespace llmsnoop::pipeline {

class CountedResponses {
 public:
    // Who shows the response: the call that made it, or somebody who reads it; and when that began.
    enum class By : std::uint8_t { call, reading };

    // Whether the tokens count here: the first time. Not so among calls: some servers draw their identifiers from a
    // thousand, and what two calls say are two answers; nor of a call that began after the reading. Two providers may
    // use the same identifier, and on one node both ends of a call see it.
    bool add(model::Role role, const std::string& provider, const std::string& response_id, By by, base::Time began);
    // Whether what this call makes has been counted where it was read.
    bool was_read(model::Role role, const std::string& provider, const std::string& response_id,
                  base::Time began) const;

 private:
    struct Shown {
        By by;
        base::Time began;

        bool is_reading_of_call(base::Time call_began) const { return by == By::reading && call_began < began; }
    };

    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Shown> known_;
    std::deque<std::uint64_t> order_;
};

}  // namespace llmsnoop::pipeline
