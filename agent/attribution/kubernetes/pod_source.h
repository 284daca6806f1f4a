#pragma once
// Keeps a PodTable up to date from the API server, by list and watch, or from the kubelet's list, by asking when a pod
// is met that is not known. One of the two runs in a thread of its own from start() until destruction.
//
// The rights it needs: get, list and watch on pods (API server); get on nodes/proxy (kubelet).
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/attribution/kubernetes/api_client.h"
#include "agent/attribution/kubernetes/pod_object.h"
#include "agent/attribution/pod_table.h"
#include "agent/base/result.h"
#include "agent/model/loss.h"

namespace llmsnoop::attribution::kubernetes {

struct PodSourceOptions {
    enum class Kind : std::uint8_t { api, kubelet };

    Kind kind = Kind::api;
    ApiOptions api;
    std::string node;  // pods of this one only (api)
    WantedLabels wanted;
    unsigned page = 500;  // pods asked for at once
    std::chrono::milliseconds list_timeout = std::chrono::seconds(60);
    std::chrono::seconds watch_time{290};  // after so long a watch is begun anew, with some jitter
    std::chrono::milliseconds first_backoff{500};
    std::chrono::milliseconds longest_backoff{30'000};
    std::chrono::milliseconds kubelet_pause{1'000};     // between two questions, at least
    std::chrono::milliseconds kubelet_refresh{60'000};  // and at most
};

// What it has done so far; numbers may be read at any time.
struct PodSourceCounts {
    std::uint64_t lists = 0;  // requests: pages of lists, or the kubelet's list
    std::uint64_t watches = 0;
    std::uint64_t events = 0;
    std::uint64_t bookmarks = 0;
    std::uint64_t malformed = 0;
    std::uint64_t relists = 0;   // lists after the first, for a version that was too old or an event that was not read
    std::uint64_t failures = 0;  // requests
};

class PodSource {
 public:
    // `table` and `losses` must outlive it.
    static base::Result<std::unique_ptr<PodSource>> start(PodSourceOptions options, PodTable& table,
                                                          model::LossCounters& losses);
    virtual ~PodSource() = default;
    PodSource(const PodSource&) = delete;
    PodSource& operator=(const PodSource&) = delete;

    virtual PodSourceCounts counts() const = 0;

 protected:
    PodSource() = default;
};

}  // namespace llmsnoop::attribution::kubernetes
