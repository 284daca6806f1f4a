#include "agent/http/pairing.h"

#include <algorithm>
#include <utility>

namespace llmsnoop::http {

std::optional<Pairing::Request> Pairing::add(const Request& request, Responses responses) {
    std::optional<Request> answered_unseen;
    bool presumed = false;
    if (!pipelined_) {
        if (queue_.empty() && responses != Responses::busy) presumed = std::exchange(missed_at_end_, false);
        if (responses == Responses::astray && passed_over_ && queue_.size() == 1 && !overlapped_) {
            answered_unseen = take();
            presumed = true;
            missed_at_end_ = false;
        }
    }
    for (Entry& entry : queue_)
        entry.missed_before |= entry.presumed;
    overlapped_ |= !queue_.empty();
    queue_.push_back({request, missed_at_end_, presumed, presumed && missed_unanswered_});
    missed_at_end_ = false;
    missed_while_waiting_ = false;
    answered_unseen_ = false;
    passed_over_ = false;
    return answered_unseen;
}

void Pairing::requests_missed(Missed when) {
    missed_at_end_ = true;
    missed_unanswered_ = when == Missed::just_now && !answered_unseen_;
}

void Pairing::gap_between_responses() {
    if (!missed_unanswered_) missed_while_waiting_ = true;
    missed_unanswered_ = false;
    answered_unseen_ = true;
    if (!queue_.empty()) queue_.front().unanswered = false;
}

Pairing::Answer Pairing::match(Request& request) {
    passed_over_ = false;
    const bool doubtful = std::exchange(missed_while_waiting_, false);
    if (queue_.empty() && !responses_missed_ && !missed_at_end_) return Answer::nobody;
    missed_unanswered_ = false;
    const bool only_one = queue_.size() == 1 && !missed_at_end_;
    // Whoever sends a request without waiting for the response to the one before it pipelines after all.
    const bool known = !queue_.empty() && !queue_.front().missed_before && !queue_.front().unanswered;
    if (!known || (responses_missed_ && !only_one)) {
        // Where nobody pipelines, the next request starts afresh (see add).
        answered_unseen_ |= queue_.empty();
        responses_missed_ = false;
        missed_at_end_ = true;
        return Answer::in_doubt;
    }
    pipelined_ |= !responses_missed_ && queue_.size() > 1;
    responses_missed_ = false;
    request = queue_.front().request;
    queue_.pop_front();
    return doubtful ? Answer::likely : Answer::certain;
}

std::optional<Pairing::Request> Pairing::take() {
    if (queue_.empty()) return std::nullopt;
    const Request request = queue_.front().request;
    queue_.pop_front();
    return request;
}

bool Pairing::waits(model::ExchangeNumber exchange) const {
    return std::any_of(queue_.begin(), queue_.end(),
                       [&](const Entry& entry) { return entry.request.exchange == exchange; });
}

}  // namespace llmsnoop::http
