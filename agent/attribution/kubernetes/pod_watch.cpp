#include "agent/attribution/kubernetes/pod_watch.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "agent/attribution/kubernetes/watch_lines.h"
#include "agent/base/log.h"

namespace llmsnoop::attribution::kubernetes {

namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kGone = 410;
constexpr std::size_t kMaxPages = 1000;
constexpr unsigned kFailuresToGiveUp = 5;

// When a server starts anew, the watches of a whole fleet end together; its lists are spread over this time.
constexpr std::chrono::milliseconds kRelistsWithin{2000};

template <typename Duration>
Duration random_between(Duration least, Duration most) {
    static std::minstd_rand random{std::random_device()()};
    return Duration(std::uniform_int_distribution<typename Duration::rep>(least.count(), most.count())(random));
}

}  // namespace

PodWatch::PodWatch(PodSourceOptions options, std::unique_ptr<ApiClient> client, PodTable& table,
                   model::LossCounters& losses)
    : options_(std::move(options)),
      client_(std::move(client)),
      table_(table),
      losses_(losses),
      backoff_(options_.first_backoff, options_.longest_backoff),
      thread_([this] { run(); }) {}

PodWatch::~PodWatch() {
    {
        const std::lock_guard lock(mutex_);
        client_->cancel();
    }
    stopped_.notify_all();
    thread_.join();
}

PodSourceCounts PodWatch::counts() const {
    return {lists_, watches_, events_, bookmarks_, malformed_, relists_, failures_};
}

void PodWatch::pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, time, [this] { return client_->cancelled(); });
}

void PodWatch::run() {
    table_.expect_answers(true);
    while (!client_->cancelled()) {
        const bool listing = version_.empty();
        const auto outcome = listing ? list() : watch();
        if (client_->cancelled()) break;
        if (outcome == Outcome::ended) continue;
        if (outcome == Outcome::too_old || outcome == Outcome::unreadable) {
            relists_.fetch_add(1);
            // From the cache again, if that is not older: a whole fleet that reads from etcd at once is a burden.
            not_older_than_ = listing ? "" : std::exchange(version_, "");
            any_version_ = !not_older_than_.empty();
            pause(random_between(std::chrono::milliseconds(0), kRelistsWithin));
        }
        pause(backoff_.next());
    }
    table_.expect_answers(false);
}

// What an answer's status means. The log tells of a failure once, until something succeeds.
PodWatch::Outcome PodWatch::answer(const base::Result<int>& status, const char* what) {
    if (client_->cancelled()) return Outcome::failed;
    if (status && *status == kGone) return Outcome::too_old;
    if (status && *status == kOk) {
        if (in_a_row_ != 0) base::log::info("Kubernetes: {} works again", what);
        in_a_row_ = 0;
        return Outcome::ended;
    }
    failures_.fetch_add(1);
    const std::string why = status ? fmt::format("status {}", *status) : status.error().message;
    if (in_a_row_++ == 0) base::log::warn("Kubernetes: {} failed: {}; trying again", what, why);
    // Records need not wait for what this server will not tell.
    if ((status && *status == kForbidden) || in_a_row_ >= kFailuresToGiveUp) table_.expect_answers(false);
    return Outcome::failed;
}

void PodWatch::malformed(std::size_t count) {
    malformed_.fetch_add(count);
    losses_.add(model::Loss::pod_malformed, count);
}

PodWatch::Outcome PodWatch::list_page(const std::string& query, PodList& page) {
    std::string body;
    bool too_long = false;
    lists_.fetch_add(1);
    const auto status = client_->get("/api/v1/pods" + query, options_.list_timeout, [&](std::string_view piece) {
        too_long = body.size() + piece.size() > kMaxListBytes;
        if (!too_long) body.append(piece);
        return !too_long;
    });
    const bool answered = status && *status == kOk && !client_->cancelled();
    if (!answered && !too_long) return answer(status, "listing pods");
    auto read = too_long ? std::nullopt : read_pod_list(body, options_.wanted);
    if (!read) {
        malformed();
        return answer(base::error(too_long ? "the answer is too long" : "the answer is no list of pods"),
                      "listing pods");
    }
    page = std::move(*read);
    return answer(status, "listing pods");
}

PodWatch::Outcome PodWatch::list() {
    const std::string base =
        fmt::format("?fieldSelector=spec.nodeName%3D{}&limit={}", ApiClient::escaped(options_.node), options_.page);
    // Version 0: whatever the server has in its cache, which has an index of nodes; without it the server reads the
    // pods of the whole cluster from etcd. (A server may then ignore the limit.)
    std::string query = base;
    if (!not_older_than_.empty())
        query += "&resourceVersion=" + ApiClient::escaped(not_older_than_) + "&resourceVersionMatch=NotOlderThan";
    else if (any_version_)
        query += "&resourceVersion=0";
    PodList page;
    // The table learns of a list only when all of it has come: a half would make the other half's pods vanish.
    std::vector<PodFacts> pods;
    for (std::size_t pages = 0;; ++pages) {
        const auto outcome = list_page(query, page);
        if (outcome != Outcome::ended) return outcome;
        if (page.malformed != 0) malformed(page.malformed);
        pods.insert(pods.end(), std::make_move_iterator(page.pods.begin()), std::make_move_iterator(page.pods.end()));
        if (page.continue_token.empty() || pages == kMaxPages) break;
        query = base + "&continue=" + ApiClient::escaped(page.continue_token);
    }
    if (page.resource_version.empty() || !page.continue_token.empty()) {
        malformed();
        return Outcome::failed;
    }
    const std::size_t count = pods.size();
    table_.begin_list();
    for (PodFacts& one : pods)
        table_.put(std::move(one));
    table_.end_list();
    table_.expect_answers(true);
    version_ = std::move(page.resource_version);
    any_version_ = true;
    base::log::debug("Kubernetes: {} pods on node {}", count, options_.node);
    return Outcome::ended;
}

PodWatch::Outcome PodWatch::watch() {
    // So that those of a fleet do not end together.
    const auto time = random_between(options_.watch_time * 3 / 4, options_.watch_time);
    const std::string path = fmt::format(
        "/api/v1/pods?fieldSelector=spec.nodeName%3D{}&watch=1&allowWatchBookmarks=true&resourceVersion={}"
        "&timeoutSeconds={}",
        ApiClient::escaped(options_.node), ApiClient::escaped(version_), time.count());
    WatchLines lines(kMaxEventBytes);
    auto outcome = Outcome::ended;
    bool progress = false;
    const auto on_line = [&](std::string_view line) {
        if (outcome != Outcome::ended) return;
        outcome = apply(read_watch_event(line, options_.wanted));
        if (outcome != Outcome::ended) return;
        if (!progress) table_.expect_answers(true);
        progress = true;
    };
    // An event that is too long would be too long again after a new list: it is counted, and the watch goes on.
    const auto on_too_long = [this] { malformed(); };
    watches_.fetch_add(1);
    const auto begun = std::chrono::steady_clock::now();
    const auto status = client_->get(path, time + options_.list_timeout, [&](std::string_view piece) {
        lines.feed(piece, {on_line, on_too_long});
        return outcome == Outcome::ended;
    });
    // A watch may be silent for long, where nothing changes and the server sends no bookmarks.
    progress = progress || std::chrono::steady_clock::now() - begun > options_.longest_backoff;
    if (progress) backoff_.reset();
    if (outcome != Outcome::ended) return outcome;
    const auto end = answer(status, "watching pods");
    // A server that ends each watch at once, without an event, is not asked without pause.
    return end == Outcome::ended && !progress ? Outcome::failed : end;
}

PodWatch::Outcome PodWatch::apply(WatchEvent event) {
    using Type = WatchEvent::Type;
    switch (event.type) {
        case Type::added:
        case Type::modified:
            events_.fetch_add(1);
            table_.put(std::move(event.pod));
            break;
        case Type::deleted:
            events_.fetch_add(1);
            // Its last state may name containers that no event before named.
            {
                const std::string uid = event.pod.uid;
                table_.put(std::move(event.pod));
                table_.remove(uid);
            }
            break;
        case Type::bookmark:
            bookmarks_.fetch_add(1);
            break;
        case Type::error:
            if (event.code == kGone) return Outcome::too_old;
            failures_.fetch_add(1);
            return Outcome::failed;
        case Type::malformed:
            malformed();
            return Outcome::unreadable;
    }
    version_ = std::move(event.resource_version);
    return Outcome::ended;
}

}  // namespace llmsnoop::attribution::kubernetes
