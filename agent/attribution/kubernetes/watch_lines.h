#pragma once
// Lines of a stream that comes in pieces. Sans-IO; bounded: a line beyond the limit is skipped to its end.
#include <cstddef>
#include <string>
#include <string_view>

#include "agent/base/function_ref.h"

namespace llmsnoop::attribution::kubernetes {

class WatchLines {
 public:
    explicit WatchLines(std::size_t limit) : limit_(limit) {}

    struct Out {
        base::FunctionRef<void(std::string_view)> line;  // without its end; never empty
        base::FunctionRef<void()> too_long;              // one was skipped
    };
    void feed(std::string_view piece, const Out& out);

    // The stream has ended: what is half a line is nothing.
    void reset();

 private:
    void give(std::string_view line, const Out& out) const;

    const std::size_t limit_;
    std::string pending_;
    bool skipping_ = false;
};

}  // namespace llmsnoop::attribution::kubernetes
