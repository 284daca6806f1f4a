#include "agent/attribution/kubernetes/kubelet_pods.h"

#include <fmt/format.h>

#include <utility>

#include "agent/base/log.h"

namespace llmsnoop::attribution::kubernetes {

KubeletPods::KubeletPods(PodSourceOptions options, std::unique_ptr<ApiClient> client, PodTable& table,
                         model::LossCounters& losses)
    : options_(std::move(options)),
      client_(std::move(client)),
      table_(table),
      losses_(losses),
      backoff_(options_.first_backoff, options_.longest_backoff),
      thread_([this] { run(); }) {}

KubeletPods::~KubeletPods() {
    client_->cancel();
    table_.wake();
    thread_.join();
}

PodSourceCounts KubeletPods::counts() const {
    PodSourceCounts out;
    out.lists = lists_;
    out.malformed = malformed_;
    out.failures = failures_;
    return out;
}

void KubeletPods::run() {
    using Clock = std::chrono::steady_clock;
    table_.expect_answers(true);
    while (!client_->cancelled()) {
        const bool answered = ask();
        auto pause = options_.kubelet_pause;
        if (answered)
            backoff_.reset();
        else
            pause = std::max(pause, backoff_.next());
        // Questions that come in the meantime are answered together afterwards; only the destructor ends this early.
        for (const auto until = Clock::now() + pause; Clock::now() < until && !client_->cancelled();)
            std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(20)));
        if (answered && !client_->cancelled()) table_.wait_for_question(options_.kubelet_refresh);
    }
    table_.expect_answers(false);
}

bool KubeletPods::ask() {
    std::string body;
    bool too_long = false;
    lists_.fetch_add(1);
    const auto status = client_->get("/pods", options_.list_timeout, [&](std::string_view piece) {
        too_long = body.size() + piece.size() > kMaxListBytes;
        if (!too_long) body.append(piece);
        return !too_long;
    });
    if (client_->cancelled()) return false;
    auto list = status && *status == 200 && !too_long ? read_pod_list(body, options_.wanted) : std::nullopt;
    if (!list) {
        failures_.fetch_add(1);
        const std::string why = !status          ? status.error().message
                                : *status != 200 ? fmt::format("status {}", *status)
                                                 : std::string("no list of pods");
        if (!told_) base::log::warn("Kubernetes: asking the kubelet for its pods failed: {}; trying again", why);
        told_ = true;
        table_.expect_answers(!(status && (*status == 401 || *status == 403)));
        return false;
    }
    if (told_) base::log::info("Kubernetes: the kubelet answers again");
    told_ = false;
    malformed_.fetch_add(list->malformed);
    losses_.add(model::Loss::pod_malformed, list->malformed);
    table_.begin_list();
    for (PodFacts& one : list->pods)
        table_.put(std::move(one));
    table_.end_list();
    table_.expect_answers(true);
    return true;
}

}  // namespace llmsnoop::attribution::kubernetes
