#pragma once
// Finds the next frame in bytes whose beginning is not on a frame's boundary. What a frame looks like is the caller's
// business (`Judge`); this class tries every place in turn, and keeps what cannot be decided yet.
//
// The result depends on the bytes alone, not on how they are cut, if the judge's verdict on a place does not change
// with more bytes once it is given. Memory is bounded by how far a judge looks ahead.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/bytes.h"
#include "agent/base/function_ref.h"

namespace llmsnoop::http {

class BoundarySeeker {
 public:
    enum class Verdict : std::uint8_t { yes, no, undecided };
    enum class More : std::uint8_t { may_come, none };

    // Does a frame begin where these bytes begin? With More::none, `undecided` counts as `no`.
    using Judge = base::FunctionRef<Verdict(base::Bytes, More)>;

    // Nothing waits: looks in `bytes`. Returns where a frame begins in them; if nowhere yet, what may be the beginning
    // of one is kept, and everything was used.
    bool empty() const { return waiting_.empty(); }
    std::optional<std::size_t> find(base::Bytes bytes, Judge judge);

    // Something waits: adds to it. True once a frame was found; `take` gives the bytes from there on.
    bool add(base::Bytes bytes, Judge judge);
    std::string take();

    // No more bytes will come.
    bool end(Judge judge);

    void clear();

 private:
    std::string waiting_;
    std::size_t at_ = 0;  // no frame begins before
};

}  // namespace llmsnoop::http
