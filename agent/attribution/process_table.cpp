#include "agent/attribution/process_table.h"

#include "agent/attribution/container_id.h"
#include "agent/attribution/proc_facts.h"

namespace llmsnoop::attribution {

namespace {

constexpr std::size_t kEndedKept = 4096;
constexpr std::size_t kKnownKept = 65536;

// LXC and systemd-nspawn have no ids: there the name is one.
bool id_is_name(const CgroupNames& names) {
    return names.runtime == "lxc" || names.runtime == "systemd-nspawn";
}

void add_bundle(const BundleFacts& facts, model::Identity& identity) {
    model::Container& container = *identity.container;
    if (container.runtime.empty()) container.runtime = facts.runtime;
    container.name = facts.name;
    container.image = facts.image;
    if (!identity.pod || facts.pod_name.empty()) return;
    identity.pod->namespace_name = facts.pod_namespace;
    identity.pod->name = facts.pod_name;
    identity.pod->container = facts.pod_container;
}

}  // namespace

model::Process ProcessTable::seen(const model::Process& process) {
    model::Process facts = process;
    // The kernel programs tell most of it already; only where they could not either is something lost.
    const bool completed = facts_ == Facts::from_events || complete_from_proc(facts);
    if (!completed && facts.exe.empty()) losses_.add(model::Loss::process_gone);
    model::Identity identity = identity_of(std::move(facts));  // may read files: without the lock
    const std::lock_guard lock(mutex_);
    return remember(std::move(identity))->process;
}

void ProcessTable::ended(const model::ProcessKey& key) {
    const std::lock_guard lock(mutex_);
    if (!known_.contains(key)) return;
    ended_.push_back(key);
    forget_ended();
}

std::shared_ptr<const model::Identity> ProcessTable::identity(const model::ProcessKey& key) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = known_.find(key); at != known_.end()) return at->second;
    }
    model::Process facts;
    facts.key = key;
    if (facts_ == Facts::from_events_and_proc && !complete_from_proc(facts)) losses_.add(model::Loss::process_gone);
    model::Identity found = identity_of(std::move(facts));
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;  // announced in the meantime
    return remember(std::move(found));
}

void ProcessTable::complete(model::Identity& identity) const {
    if (bundles_ == nullptr || !identity.container || !identity.container->name.empty()) return;
    const auto names = names_of_cgroup(identity.process.cgroup);
    if (!names || names->container_id != identity.container->id) return;
    if (const auto facts = bundles_->find(*names)) add_bundle(*facts, identity);
}

model::Identity ProcessTable::identity_of(model::Process process) const {
    model::Identity out;
    out.process = std::move(process);
    const auto names = names_of_cgroup(out.process.cgroup);
    if (!names) {
        out.systemd_unit = systemd_unit_of_cgroup(out.process.cgroup);
        return out;
    }
    if (!names->pod_uid.empty()) {
        out.pod.emplace();
        out.pod->uid = names->pod_uid;
    }
    if (names->container_id.empty()) return out;
    out.container = model::Container{names->container_id, names->runtime, "", ""};
    if (id_is_name(*names)) out.container->name = names->container_id;
    if (const auto facts = bundles_ != nullptr ? bundles_->find(*names) : std::nullopt) add_bundle(*facts, out);
    return out;
}

std::shared_ptr<const model::Identity> ProcessTable::remember(model::Identity facts) {
    auto identity = std::make_shared<const model::Identity>(std::move(facts));
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
