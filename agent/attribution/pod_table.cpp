#include "agent/attribution/pod_table.h"

#include <algorithm>
#include <utility>

namespace llmsnoop::attribution {

namespace {

const PodContainer* container_of(const PodFacts& pod, const std::string& id) {
    const auto at = std::find_if(pod.containers.begin(), pod.containers.end(),
                                 [&](const PodContainer& one) { return one.id == id; });
    return at == pod.containers.end() ? nullptr : &*at;
}

// The containers of before stay; if they are too many, those that were named first go.
void keep_containers(std::vector<PodContainer>& now, std::vector<PodContainer> before, std::size_t limit) {
    std::erase_if(before, [&](const PodContainer& old) {
        return std::any_of(now.begin(), now.end(), [&](const PodContainer& one) { return one.id == old.id; });
    });
    before.insert(before.end(), std::make_move_iterator(now.begin()), std::make_move_iterator(now.end()));
    if (before.size() > limit) before.erase(before.begin(), before.end() - static_cast<std::ptrdiff_t>(limit));
    now = std::move(before);
}

void set_if_empty(std::string& to, const std::string& from) {
    if (to.empty()) to = from;
}

}  // namespace

void PodTable::put(PodFacts pod) {
    if (pod.uid.empty()) return;
    const std::lock_guard lock(mutex_);
    put_locked(std::move(pod));
}

void PodTable::put_locked(PodFacts pod) {
    forget_old();
    const auto known = pods_.find(pod.uid);
    if (known == pods_.end()) {
        for (; pods_.size() >= limits_.pods && !gone_.empty(); gone_.pop_front())
            erase(gone_.front().second);
        if (pods_.size() >= limits_.pods) return;
    }
    const std::string uid = pod.uid;
    Entry& entry = pods_[uid];
    keep_containers(pod.containers, std::move(entry.facts.containers), limits_.containers);
    erase_static_uid(entry.facts);
    if (!pod.static_uid.empty()) by_static_uid_.emplace(pod.static_uid, uid);
    entry.facts = std::move(pod);
    entry.list = list_;
    entry.gone = false;
    ++changes_;
}

void PodTable::remove(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    if (const auto at = pods_.find(uid); at != pods_.end()) remove_locked(at->second);
    forget_old();
}

void PodTable::remove_locked(Entry& entry) {
    if (entry.gone) return;
    entry.gone = true;
    entry.since = clock_();
    gone_.emplace_back(entry.since, entry.facts.uid);
    // Pods that come back leave notices of their end behind.
    if (gone_.size() <= 2 * limits_.pods) return;
    std::erase_if(gone_, [this](const auto& notice) {
        const auto at = pods_.find(notice.second);
        return at == pods_.end() || !at->second.gone || at->second.since != notice.first;
    });
}

void PodTable::begin_list() {
    const std::lock_guard lock(mutex_);
    ++list_;
}

void PodTable::end_list() {
    const std::lock_guard lock(mutex_);
    for (auto& [uid, entry] : pods_) {
        if (entry.list != list_) remove_locked(entry);
    }
    forget_old();
}

void PodTable::forget_old() {
    const auto now = clock_();
    for (; !gone_.empty() && gone_.front().first + limits_.keep < now; gone_.pop_front()) {
        const auto at = pods_.find(gone_.front().second);
        if (at != pods_.end() && at->second.gone && at->second.since == gone_.front().first) erase(at->first);
    }
}

void PodTable::erase(const std::string& uid) {
    const auto at = pods_.find(uid);
    if (at == pods_.end() || !at->second.gone) return;
    erase_static_uid(at->second.facts);
    pods_.erase(at);
}

void PodTable::erase_static_uid(const PodFacts& facts) {
    const auto [begin, end] = by_static_uid_.equal_range(facts.static_uid);
    const auto at = std::find_if(begin, end, [&](const auto& one) { return one.second == facts.uid; });
    if (at != end) by_static_uid_.erase(at);
}

void PodTable::expect_answers(bool expected) {
    const std::lock_guard lock(mutex_);
    if (expected_ == expected) return;
    expected_ = expected;
    ++changes_;
}

const PodTable::Entry* PodTable::find(const model::Identity& identity) const {
    if (const auto at = pods_.find(identity.pod->uid); at != pods_.end()) return &at->second;
    if (!identity.container) return nullptr;
    const auto [begin, end] = by_static_uid_.equal_range(identity.pod->uid);
    for (auto alias = begin; alias != end; ++alias) {
        const auto at = pods_.find(alias->second);
        if (at != pods_.end() && container_of(at->second.facts, identity.container->id) != nullptr) return &at->second;
    }
    return nullptr;
}

PodTable::Answer PodTable::complete(model::Identity& identity) {
    if (!identity.pod || identity.pod->uid.empty()) return Answer::complete;
    const std::lock_guard lock(mutex_);
    model::Pod& pod = *identity.pod;
    const Entry* entry = find(identity);
    const PodContainer* container =
        entry != nullptr && identity.container ? container_of(entry->facts, identity.container->id) : nullptr;
    if (entry != nullptr) {
        const PodFacts& facts = entry->facts;
        pod.uid = facts.uid;
        pod.namespace_name = facts.namespace_name;
        pod.name = facts.name;
        set_if_empty(pod.node, facts.node);
        pod.workload_kind = facts.workload_kind;
        pod.workload_name = facts.workload_name;
        pod.labels = facts.labels;
    }
    if (container != nullptr) {
        pod.container = container->name;
        set_if_empty(identity.container->name, container->name);
        set_if_empty(identity.container->image, container->image);
    }
    const bool container_is_missing = identity.container && pod.container.empty();
    if (!expected_ || (entry != nullptr && !container_is_missing)) return Answer::complete;
    question_ = true;
    asked_.notify_all();
    return Answer::unknown;
}

std::uint64_t PodTable::changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
}

bool PodTable::wait_for_question(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    asked_.wait_for(lock, longest, [this] { return question_; });
    return std::exchange(question_, false);
}

void PodTable::wake() {
    const std::lock_guard lock(mutex_);
    question_ = true;
    asked_.notify_all();
}

std::vector<std::string> PodTable::uids_of(std::string_view namespace_name, std::string_view name) const {
    std::vector<std::string> out;
    for (const PodFacts& one : present()) {
        if (one.namespace_name != namespace_name || one.name != name) continue;
        out.push_back(one.static_uid.empty() ? one.uid : one.static_uid);
    }
    return out;
}

std::vector<PodFacts> PodTable::present() const {
    std::vector<PodFacts> out;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [uid, entry] : pods_) {
            if (!entry.gone) out.push_back(entry.facts);
        }
    }
    std::sort(out.begin(), out.end(), [](const PodFacts& a, const PodFacts& b) { return a.uid < b.uid; });
    return out;
}

std::optional<std::set<std::pair<std::string, std::string>>> PodTable::names_present() const {
    const std::lock_guard lock(mutex_);
    if (!expected_) return std::nullopt;
    std::set<std::pair<std::string, std::string>> out;
    for (const auto& [uid, entry] : pods_) {
        if (!entry.gone) out.emplace(entry.facts.namespace_name, entry.facts.name);
    }
    return out;
}

std::size_t PodTable::size() const {
    const std::lock_guard lock(mutex_);
    return pods_.size();
}

}  // namespace llmsnoop::attribution
