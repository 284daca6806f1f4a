#pragma once
// Pods by list and watch, as the Kubernetes API concepts describe it ("Efficient detection of changes"): a list gives a
// resource version, a watch tells what changed since, bookmarks move the version on, and 410 Gone means to begin again.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "agent/attribution/kubernetes/backoff.h"
#include "agent/attribution/kubernetes/pod_source.h"

namespace llmsnoop::attribution::kubernetes {

class PodWatch final : public PodSource {
 public:
    PodWatch(PodSourceOptions options, std::unique_ptr<ApiClient> client, PodTable& table, model::LossCounters& losses);
    ~PodWatch() override;

    PodSourceCounts counts() const override;

 private:
    enum class Outcome : std::uint8_t {
        ended,      // in order: it can go on at once
        failed,     // no answer, or not the one that was wanted
        too_old,    // 410: the version is not known any more
        unreadable  // something was told that could not be read, so the table may be wrong
    };

    void run();
    Outcome list();
    Outcome list_page(const std::string& query, PodList& page);
    Outcome watch();
    Outcome apply(WatchEvent event);
    Outcome answer(const base::Result<int>& status, const char* what);
    void malformed(std::size_t count = 1);
    void pause(std::chrono::milliseconds time);

    const PodSourceOptions options_;
    const std::unique_ptr<ApiClient> client_;
    PodTable& table_;
    model::LossCounters& losses_;

    // Of the thread.
    Backoff backoff_;
    std::string version_;         // empty: a list is needed
    bool any_version_ = true;     // a list may come from the server's cache, however old
    std::string not_older_than_;  // or from there if it is not older than this
    unsigned in_a_row_ = 0;       // failed requests

    std::atomic<std::uint64_t> lists_{0}, watches_{0}, events_{0}, bookmarks_{0}, malformed_{0}, relists_{0},
        failures_{0};
    std::mutex mutex_;
    std::condition_variable stopped_;
    std::thread thread_;
};

}  // namespace llmsnoop::attribution::kubernetes
