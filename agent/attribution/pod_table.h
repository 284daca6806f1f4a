#pragma once
// The pods of this node, by uid: what the API server (or the kubelet) has told, kept for a while after they are gone,
// because their last records may still be on the way.
//
// Everything goes by uid and container id, nothing by name: a pod of the same name with another uid is another pod. The
// containers that a pod had before a restart stay its own.
//
// Thread-safe. Bounded: past the limit the pods that are gone longest are forgotten, then new ones are not taken in.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/model/process.h"

namespace llmsnoop::attribution {

struct PodContainer {
    std::string id;  // without the runtime's "containerd://"
    std::string name;
    std::string image;

    friend bool operator==(const PodContainer&, const PodContainer&) = default;
};

struct PodFacts {
    std::string uid;
    // Of a static pod: what stands for the uid in cgroup paths. Whoever may make pods on a node can write it into one,
    // so only the pod that has the container too is believed to be that of the path.
    std::string static_uid;
    std::string namespace_name;
    std::string name;
    std::string node;
    std::string workload_kind;
    std::string workload_name;
    std::map<std::string, std::string> labels;  // those that were asked for
    std::vector<PodContainer> containers;

    friend bool operator==(const PodFacts&, const PodFacts&) = default;
};

class PodTable {
 public:
    struct Limits {
        std::size_t pods = 8192;
        std::size_t containers = 128;  // of one pod, with those before restarts
        std::chrono::nanoseconds keep = std::chrono::minutes(10);
    };
    using Clock = std::chrono::steady_clock;

    PodTable() : PodTable(Limits{}) {}
    explicit PodTable(Limits limits, Clock::time_point (*clock)() = &Clock::now) : limits_(limits), clock_(clock) {}

    // A pod was added or has changed; one is gone.
    void put(PodFacts pod);
    void remove(const std::string& uid);
    // Between the two the whole list is put; what was not in it is gone at the end.
    void begin_list();
    void end_list();

    // Whether somebody tells of pods, so that it makes sense to wait for what is unknown. At first nobody does.
    void expect_answers(bool expected);

    enum class Answer : std::uint8_t {
        complete,  // nothing is missing that would come
        unknown,   // the pod, or its container, is not known yet
    };
    // Adds what is known to an identity whose process runs in a pod; the rest stays as it is.
    Answer complete(model::Identity& identity);

    // Grows with every change: as long as it stays, complete() gives what it gave before.
    std::uint64_t changes() const;

    // Waits until complete() has met a pod that is not known, or `longest` is over; says whether it has. For a source
    // that is asked rather than one that tells.
    bool wait_for_question(std::chrono::milliseconds longest);
    void wake();  // ends such a wait

    // The uids, as they stand in cgroup paths, of the pods of that name that are not gone.
    std::vector<std::string> uids_of(std::string_view namespace_name, std::string_view name) const;
    std::vector<PodFacts> present() const;  // by uid
    // Namespaces and names of those that are not gone; nothing while nobody tells, when any may be gone.
    std::optional<std::set<std::pair<std::string, std::string>>> names_present() const;
    std::size_t size() const;  // with those that are gone

 private:
    struct Entry {
        PodFacts facts;
        std::uint64_t list = 0;  // in which it was put last
        bool gone = false;
        Clock::time_point since;  // of being gone
    };
    using Entries = std::unordered_map<std::string, Entry>;

    const Entry* find(const model::Identity& identity) const;
    void put_locked(PodFacts pod);
    void remove_locked(Entry& entry);
    void forget_old();
    void erase(const std::string& uid);
    void erase_static_uid(const PodFacts& facts);

    const Limits limits_;
    Clock::time_point (*const clock_)();
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable asked_;
    Entries pods_;
    std::unordered_multimap<std::string, std::string> by_static_uid_;
    std::deque<std::pair<Clock::time_point, std::string>> gone_;  // some are back, or gone again later
    std::uint64_t list_ = 0;
    std::uint64_t changes_ = 0;
    bool expected_ = false;
    bool question_ = false;
};

}  // namespace llmsnoop::attribution
