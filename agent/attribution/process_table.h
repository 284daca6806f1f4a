#pragma once
// Who made a call: from the process key of a connection to process, container and pod. Remembers processes that have
// ended for a while, because their last records may still be on the way.
//
// Thread-safe. Bounded: of the processes that have ended those that ended first are forgotten first; of all, where the
// notice of an end was lost, those that were seen first. One that still runs is then looked up again.
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "agent/attribution/bundles.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"
#include "agent/model/process.h"

namespace llmsnoop::attribution {

class ProcessTable {
 public:
    // Where facts may come from: a tape or capture speaks of processes of another time and machine.
    enum class Facts : std::uint8_t { from_events_and_proc, from_events };

    // With `bundles`, containers get their names as soon as their first process is seen; it must outlive the table.
    ProcessTable(Facts facts, model::LossCounters& losses, Bundles* bundles = nullptr)
        : facts_(facts), losses_(losses), bundles_(bundles) {}

    // Completes the facts from /proc (if it may), remembers them, and returns them as remembered.
    model::Process seen(const model::Process& process);
    void ended(const model::ProcessKey& key);

    // Never null. A process that was never announced is looked up now; if it is gone, only its key is known.
    std::shared_ptr<const model::Identity> identity(const model::ProcessKey& key);

    // Adds the names of a container that were not known yet when its process was seen.
    void complete(model::Identity& identity) const;

 private:
    model::Identity identity_of(model::Process process) const;
    std::shared_ptr<const model::Identity> remember(model::Identity facts);
    void forget_ended();
    void forget_oldest();

    const Facts facts_;
    model::LossCounters& losses_;
    Bundles* const bundles_;
    std::mutex mutex_;
    std::map<model::ProcessKey, std::shared_ptr<const model::Identity>> known_;
    std::deque<model::ProcessKey> ended_;
    std::deque<model::ProcessKey> in_order_;  // of being seen; some may be forgotten already
};

}  // namespace llmsnoop::attribution
