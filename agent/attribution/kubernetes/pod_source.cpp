#include "agent/attribution/kubernetes/pod_source.h"

#include <utility>

#include "agent/attribution/kubernetes/kubelet_pods.h"
#include "agent/attribution/kubernetes/pod_watch.h"

namespace llmsnoop::attribution::kubernetes {

base::Result<std::unique_ptr<PodSource>> PodSource::start(PodSourceOptions options, PodTable& table,
                                                          model::LossCounters& losses) {
    auto client = ApiClient::create(options.api);
    if (!client) return client.error();
    std::unique_ptr<PodSource> out;
    if (options.kind == PodSourceOptions::Kind::kubelet)
        out = std::make_unique<KubeletPods>(std::move(options), std::move(*client), table, losses);
    else
        out = std::make_unique<PodWatch>(std::move(options), std::move(*client), table, losses);
    return out;
}

}  // namespace llmsnoop::attribution::kubernetes
