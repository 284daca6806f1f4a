#include "agent/attribution/process_table.h"

#include "agent/attribution/container_id.h"
#include "agent/attribution/proc_facts.h"

namespace llmsnoop::attribution {

namespace {

constexpr std::size_t kEndedKept = 4096;
constexpr std::size_t kKnownKept = 65536;

void add_container(model::Identity& identity) {
    const auto names = names_of_cgroup(identity.process.cgroup);
    if (!names) return;
    if (!names->container_id.empty())
        identity.container = model::Container{names->container_id, names->runtime, "", ""};
    if (!names->pod_uid.empty()) {
        identity.pod.emplace();
        identity.pod->uid = names->pod_uid;
    }
}

}  // namespace

model::Process ProcessTable::seen(const model::Process& process) {
    model::Process facts = process;
    // The kernel programs tell most of it already; only where they could not either is something lost.
    const bool completed = facts_ == Facts::from_events || complete_from_proc(facts);
    if (!completed && facts.exe.empty()) losses_.add(model::Loss::process_gone);
    const std::lock_guard lock(mutex_);
    return remember(std::move(facts))->process;
}

void ProcessTable::ended(const model::ProcessKey& key) {
    const std::lock_guard lock(mutex_);
    if (!known_.contains(key)) return;
    ended_.push_back(key);
    forget_ended();
}

std::shared_ptr<const model::Identity> ProcessTable::identity(const model::ProcessKey& key) {
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
    model::Process facts;
    facts.key = key;
    if (facts_ == Facts::from_events_and_proc && !complete_from_proc(facts)) losses_.add(model::Loss::process_gone);
    return remember(std::move(facts));
}

std::shared_ptr<const model::Identity> ProcessTable::remember(model::Process process) {
    auto identity = std::make_shared<model::Identity>();
    identity->process = std::move(process);
    add_container(*identity);
    const model::ProcessKey key = identity->process.key;
    const auto [at, is_new] = known_.insert_or_assign(key, identity);
    if (is_new) {
        in_order_.push_back(key);
        forget_oldest();
    }
    return identity;
}

void ProcessTable::forget_ended() {
    while (ended_.size() > kEndedKept) {
        known_.erase(ended_.front());
        ended_.pop_front();
    }
}

void ProcessTable::forget_oldest() {
    for (; known_.size() > kKnownKept; in_order_.pop_front())
        known_.erase(in_order_.front());
    if (in_order_.size() > 2 * kKnownKept)
        std::erase_if(in_order_, [this](const model::ProcessKey& key) { return !known_.contains(key); });
}

}  // namespace llmsnoop::attribution
