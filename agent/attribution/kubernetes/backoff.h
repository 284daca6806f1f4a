#pragma once
// How long to wait before a failed request is made again: twice as long each time up to a limit, and each time a random
// part of that, so that the agents of a fleet do not come back all at once. Not thread-safe.
#include <algorithm>
#include <chrono>
#include <random>

namespace llmsnoop::attribution::kubernetes {

class Backoff {
 public:
    using Milliseconds = std::chrono::milliseconds;

    Backoff(Milliseconds first, Milliseconds longest) : first_(first), longest_(longest), next_(first) {}

    // Between a half and the whole of what its turn is.
    Milliseconds next() {
        const auto whole = next_;
        next_ = std::min(longest_, next_ * 2);
        std::uniform_int_distribution<Milliseconds::rep> part(whole.count() / 2, whole.count());
        return Milliseconds(part(random_));
    }
    void reset() { next_ = first_; }

 private:
    const Milliseconds first_;
    const Milliseconds longest_;
    Milliseconds next_;
    std::minstd_rand random_{std::random_device()()};
};

}  // namespace llmsnoop::attribution::kubernetes
