#pragma once
// Names of containers from the runtimes' own files on the host, without any API: of a container that lives for fifty
// milliseconds they are known as soon as its first process is seen, because the runtime writes them before it starts
// one.
//
// Files are looked for below one or several roots, so that an agent in a container finds the host's ("/host", or with
// hostPID "/proc/1/root"); links are followed within the root only. Reads are bounded, and do not wait.
//
// Thread-safe. Bounded: the containers looked up longest ago are forgotten.
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/attribution/bundle.h"
#include "agent/attribution/container_id.h"

namespace llmsnoop::attribution {

class Bundles {
 public:
    // Who may know what no file tells, without waiting: LateNames.
    using Ask = std::function<std::optional<BundleFacts>(const CgroupNames&)>;

    // None at all: nothing is ever found.
    explicit Bundles(std::vector<std::string> roots, Ask ask = {});

    // What the runtime says about the container; names of a pod only if the cgroup path has the same uid. Nothing if no
    // file is found, or if not the host's runtimes made the container (their files would be about another one of that
    // id). What is not found is looked for again after a while. Of a pod whose names another of its containers has
    // told, above all its sandbox, which starts first and ends last, they are known without the container's own file:
    // where that is gone already, all files are looked through for one of the pod, at most once a second.
    std::optional<BundleFacts> find(const CgroupNames& names);

    // Whatever is written down now, read anew. Unlike find(), it takes the files' word for the names of pods.
    struct Named {
        std::string container_id;
        BundleFacts facts;
    };
    std::vector<Named> all() const;

 private:
    struct Entry {
        std::optional<BundleFacts> facts;
        std::chrono::steady_clock::time_point again;
    };

    struct PodName {
        std::string namespace_name;
        std::string name;
    };

    std::optional<BundleFacts> read(const CgroupNames& names) const;
    void remember(const std::string& key, const std::optional<BundleFacts>& facts);
    std::optional<BundleFacts> of_pod(const CgroupNames& names) const;
    std::optional<PodName> search_pod(const std::string& uid) const;
    void remember_pod(const std::string& uid, PodName name);

    std::optional<BundleFacts> find_in_files(const CgroupNames& names);

    const std::vector<std::string> roots_;
    const Ask ask_;
    std::mutex mutex_;                              // guards what follows
    std::unordered_map<std::string, Entry> known_;  // by container id and pod uid
    std::deque<std::string> order_;
    std::unordered_map<std::string, PodName> pods_;  // by uid
    std::deque<std::string> pod_order_;
    std::chrono::steady_clock::time_point next_search_;
};

}  // namespace llmsnoop::attribution
