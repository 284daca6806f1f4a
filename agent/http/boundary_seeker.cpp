#include "agent/http/boundary_seeker.h"

namespace llmsnoop::http {
namespace {

// Returns where a frame was found, or else up to where there is none.
std::size_t search(base::Bytes bytes, std::size_t from, BoundarySeeker::More more, BoundarySeeker::Judge judge,
                   bool& found) {
    for (; from < bytes.size(); ++from) {
        const auto verdict = judge(bytes.subspan(from), more);
        found = verdict == BoundarySeeker::Verdict::yes;
        if (found || (verdict == BoundarySeeker::Verdict::undecided && more == BoundarySeeker::More::may_come)) break;
    }
    return from;
}

}  // namespace

std::optional<std::size_t> BoundarySeeker::find(base::Bytes bytes, Judge judge) {
    bool found = false;
    const std::size_t at = search(bytes, 0, More::may_come, judge, found);
    if (found) return at;
    waiting_ = base::as_text(bytes.subspan(at));
    return std::nullopt;
}

bool BoundarySeeker::add(base::Bytes bytes, Judge judge) {
    waiting_ += base::as_text(bytes);
    bool found = false;
    at_ = search(base::as_bytes(waiting_), at_, More::may_come, judge, found);
    if (!found && at_ > waiting_.size() / 2) {
        waiting_.erase(0, at_);
        at_ = 0;
    }
    return found;
}

std::string BoundarySeeker::take() {
    std::string rest = waiting_.substr(at_);
    clear();
    return rest;
}

bool BoundarySeeker::end(Judge judge) {
    bool found = false;
    at_ = search(base::as_bytes(waiting_), at_, More::none, judge, found);
    return found;
}

void BoundarySeeker::clear() {
    waiting_.clear();
    waiting_.shrink_to_fit();
    at_ = 0;
}

}  // namespace llmsnoop::http
