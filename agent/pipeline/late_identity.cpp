#include "agent/pipeline/late_identity.h"

#include <utility>
#include <vector>

namespace llmsnoop::pipeline {

namespace {

using Answer = attribution::PodTable::Answer;

template <typename Item>
model::Identity& identity_of(Item& item) {
    return std::visit([](auto& one) -> model::Identity& { return one.identity; }, item);
}

template <typename Item>
const std::string& id_of(const Item& item) {
    return std::visit([](const auto& one) -> const std::string& { return one.id; }, item);
}

std::size_t bytes_of(const model::LlmCall& call) {
    std::size_t out = call.reasoning.size() + call.tool_definitions.size();
    for (const model::Message& message : call.prompt)
        out += message.text.size();
    for (const model::Message& message : call.completion)
        out += message.text.size();
    for (const model::ToolCall& tool : call.tool_calls)
        out += tool.arguments.size();
    return out + call.timing.gaps_us.size() * sizeof(std::uint32_t);
}

}  // namespace

void LateIdentity::started(model::ExchangeStarted started) {
    Item item = std::move(started);
    if (!wait(item)) deliver(std::move(item), Answer::complete);
}

void LateIdentity::finished(model::Exchange exchange) {
    Item item = std::move(exchange);
    if (wait(item)) return;
    // There was no room to wait, or nothing to wait for.
    const Answer answer = pods_.complete(identity_of(item));
    deliver(std::move(item), answer);
}

// Completes the item, and keeps it if that is not possible yet; false: it may leave now.
bool LateIdentity::wait(Item& item) {
    if (!identity_of(item).pod) return false;
    const std::size_t bytes = std::visit([](const auto& one) { return bytes_of(one.llm); }, item);
    const std::lock_guard lock(mutex_);
    const Answer answer = pods_.complete(identity_of(item));
    // Behind its own start it waits in any case, for the next round at most.
    const bool start_waits = ids_.contains(id_of(item));
    const bool has_room = waiting_.size() < options_.waiting && bytes_ + bytes <= options_.bytes;
    if (!start_waits && (answer == Answer::complete || !has_room)) return false;
    ++ids_[id_of(item)];
    bytes_ += bytes;
    waiting_.push_back({std::move(item), clock_() + options_.wait, bytes});
    return true;
}

void LateIdentity::leave(const Waiting& one) {
    bytes_ -= one.bytes;
    const auto count = ids_.find(id_of(one.item));
    if (--count->second == 0) ids_.erase(count);
}

// Delivers under the lock: an end that comes meanwhile must not overtake its start.
void LateIdentity::next_round() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return;
    const std::uint64_t changes = pods_.changes();
    const auto now = clock_();
    if (changes == changes_ && waiting_.front().until > now) return;
    changes_ = changes;
    std::deque<Waiting> rest;
    for (Waiting& one : waiting_) {
        const Answer answer = pods_.complete(identity_of(one.item));
        // Its start may have been asked for a moment too early.
        const bool start_stays = std::holds_alternative<model::Exchange>(one.item) && ids_[id_of(one.item)] > 1;
        if ((answer == Answer::complete && !start_stays) || one.until <= now) {
            leave(one);
            deliver(std::move(one.item), answer);
        } else {
            rest.push_back(std::move(one));
        }
    }
    waiting_ = std::move(rest);
}

void LateIdentity::flush() {
    std::deque<Waiting> all;
    {
        const std::lock_guard lock(mutex_);
        all = std::exchange(waiting_, {});
        ids_.clear();
        bytes_ = 0;
    }
    for (Waiting& one : all) {
        const Answer answer = pods_.complete(identity_of(one.item));
        deliver(std::move(one.item), answer);
    }
}

std::size_t LateIdentity::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

void LateIdentity::deliver(Item item, Answer answer) {
    if (auto* started = std::get_if<model::ExchangeStarted>(&item)) {
        out_.started(std::move(*started));
        return;
    }
    if (answer == Answer::unknown) losses_.add(model::Loss::pod_unknown);
    out_.finished(std::move(std::get<model::Exchange>(item)));
}

}  // namespace llmsnoop::pipeline
