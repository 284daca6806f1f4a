#include "agent/llm/dialect.h"

#include <algorithm>
#include <utility>

namespace llmsnoop::llm {

Calls::Lane& Calls::lane(std::string_view name) {
    const auto at = std::find_if(open_.begin(), open_.end(), [&](const Lane& one) { return one.name == name; });
    if (at != open_.end()) return *at;
    open_.push_back({std::string(name), {}});
    open_.back().state.call = seed;
    open_.back().state.documents = std::exchange(next_, model::Completeness::complete);
    return open_.back();
}

model::LlmCall& Calls::open(std::string_view name) {
    return lane(name).state.call;
}

bool Calls::is_open(std::string_view name) const {
    return std::any_of(open_.begin(), open_.end(), [&](const Lane& one) { return one.name == name; });
}

void Calls::started(base::Time time, std::string_view name) {
    lane(name).state.started = time;
}

void Calls::do_not_count(std::string_view name) {
    lane(name).state.counted = false;
}

void Calls::lower(model::Completeness verdict) {
    if (open_.empty()) next_ = model::worse(next_, verdict);
    for (Lane& one : open_)
        one.state.documents = model::worse(one.state.documents, verdict);
}

void Calls::finish(base::Time time, bool whole, std::string_view name) {
    Lane& one = lane(name);
    one.state.ended = time;
    one.state.whole = whole;
    finished_.push_back(std::move(one.state));
    open_.erase(open_.begin() + (&one - open_.data()));
}

void Calls::add(FinishedCall call) {
    finished_.push_back(std::move(call));
}

std::vector<FinishedCall> Calls::take_finished() {
    return std::exchange(finished_, {});
}

std::vector<FinishedCall> Calls::take_all(bool whole) {
    for (Lane& one : open_) {
        one.state.whole = whole;
        one.state.said_done = said_done_;
        finished_.push_back(std::move(one.state));
    }
    open_.clear();
    return take_finished();
}

void Dialect::response_head(const model::MessageHead& /*head*/, Calls& /*calls*/) {}

void Dialect::end(base::Time /*time*/, Calls& /*calls*/) {}

}  // namespace llmsnoop::llm
