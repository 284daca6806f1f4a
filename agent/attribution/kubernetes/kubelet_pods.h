#pragma once
// Pods from the kubelet of this node (GET /pods), where the API server is out of reach: asked now and then, and when a
// pod is met that is not known, but never more often than the options allow.
#include <atomic>
#include <thread>

#include "agent/attribution/kubernetes/backoff.h"
#include "agent/attribution/kubernetes/pod_source.h"

namespace llmsnoop::attribution::kubernetes {

class KubeletPods final : public PodSource {
 public:
    KubeletPods(PodSourceOptions options, std::unique_ptr<ApiClient> client, PodTable& table,
                model::LossCounters& losses);
    ~KubeletPods() override;

    PodSourceCounts counts() const override;

 private:
    void run();
    bool ask();

    const PodSourceOptions options_;
    const std::unique_ptr<ApiClient> client_;
    PodTable& table_;
    model::LossCounters& losses_;
    Backoff backoff_;    // of the thread
    bool told_ = false;  // likewise

    std::atomic<std::uint64_t> lists_{0}, malformed_{0}, failures_{0};
    std::thread thread_;
};

}  // namespace llmsnoop::attribution::kubernetes
