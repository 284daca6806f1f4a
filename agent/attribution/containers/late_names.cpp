#include "agent/attribution/containers/late_names.h"

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "agent/attribution/containers/engine_api.h"
#include "agent/attribution/host_files.h"
#include "agent/attribution/user_storage.h"

namespace llmsnoop::attribution {

namespace {

using Clock = std::chrono::steady_clock;
using MadeBy = CgroupNames::MadeBy;

constexpr auto kFirstPause = std::chrono::seconds(1);
constexpr auto kLongestPause = std::chrono::seconds(60);
constexpr auto kPatienceAtEnd = std::chrono::seconds(2);

bool is_id(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A container of Docker or Podman, as far as the path tells.
bool may_be_engines(const CgroupNames& names) {
    if (names.made_by != MadeBy::system) return false;
    return names.runtime == "docker" || names.runtime == "podman" || (names.runtime.empty() && names.pod_uid.empty());
}

bool may_be_users(const CgroupNames& names) {
    return names.made_by == MadeBy::user && names.user && (names.runtime.empty() || names.runtime == "podman");
}

// A user may give any name to a cgroup of their own, also that of somebody else's container.
std::string key_of(const CgroupNames& names) {
    return names.container_id + (names.made_by == MadeBy::user ? "/" + std::to_string(*names.user) : "");
}

}  // namespace

struct LateNames::State {
    struct Entry {
        std::optional<BundleFacts> facts;
        Clock::time_point again;
    };
    struct Engine {
        std::string root;
        std::string socket;
        Clock::time_point next_try = {};
        std::chrono::seconds pause{0};
    };

    explicit State(Options wanted) : options(std::move(wanted)) {
        for (const std::string& root : options.roots) {
            for (const std::string& socket : options.sockets)
                engines.push_back({root, socket});
        }
    }

    static void run(const std::shared_ptr<State>& self);
    std::optional<BundleFacts> ask(const CgroupNames& names);
    std::optional<BundleFacts> ask_engines(const std::string& id);
    void remember(const std::string& key, Entry entry);

    const Options options;
    std::vector<Engine> engines;  // the thread's own
    std::atomic<bool> stop{false};
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::unordered_map<std::string, Entry> known;
    std::deque<std::string> order;
    std::deque<CgroupNames> waiting;
    bool running = false;
};

LateNames::LateNames(Options options) : state_(std::make_shared<State>(std::move(options))) {}

LateNames::~LateNames() {
    std::unique_lock lock(state_->mutex);
    state_->stop.store(true);
    state_->changed.notify_all();
    state_->changed.wait_for(lock, kPatienceAtEnd, [this] { return !state_->running; });
}

std::vector<std::string> LateNames::usual_sockets() {
    return {"run/docker.sock", "run/podman/podman.sock"};
}

std::optional<BundleFacts> LateNames::find(const CgroupNames& names) {
    if (!is_id(names.container_id) || !(may_be_engines(names) || may_be_users(names))) return std::nullopt;
    const std::string key = key_of(names);
    const auto now = Clock::now();
    const std::lock_guard lock(state_->mutex);
    const auto at = state_->known.find(key);
    if (at != state_->known.end() && (at->second.facts || now < at->second.again)) return at->second.facts;
    if (state_->waiting.size() >= state_->options.waiting || state_->stop.load()) return std::nullopt;
    if (!state_->running) {
        try {
            std::thread thread([state = state_] { State::run(state); });
            pthread_setname_np(thread.native_handle(), "container names");
            thread.detach();
            state_->running = true;
        } catch (const std::system_error&) {
            return std::nullopt;  // no more threads are to be had
        }
    }
    state_->remember(key, {std::nullopt, now + state_->options.again});
    state_->waiting.push_back(names);
    state_->changed.notify_all();
    return std::nullopt;
}

void LateNames::State::remember(const std::string& key, Entry entry) {
    if (known.insert_or_assign(key, std::move(entry)).second) order.push_back(key);
    for (; order.size() > options.known; order.pop_front())
        known.erase(order.front());
}

void LateNames::State::run(const std::shared_ptr<State>& self) {
    State& state = *self;
    std::unique_lock lock(state.mutex);
    while (true) {
        state.changed.wait(lock, [&] { return state.stop.load() || !state.waiting.empty(); });
        if (state.stop.load()) break;
        const CgroupNames names = std::move(state.waiting.front());
        state.waiting.pop_front();
        lock.unlock();
        auto facts = state.ask(names);
        lock.lock();
        state.remember(key_of(names), {std::move(facts), Clock::now() + state.options.again});
    }
    state.running = false;
    state.changed.notify_all();
}

std::optional<BundleFacts> LateNames::State::ask(const CgroupNames& names) {
    if (names.made_by != MadeBy::user) return ask_engines(names.container_id);
    for (const std::string& root : options.roots) {
        if (auto facts = find_in_user_storage(root, *names.user, names.container_id)) return facts;
    }
    return std::nullopt;
}

std::optional<BundleFacts> LateNames::State::ask_engines(const std::string& id) {
    std::set<std::pair<dev_t, ino_t>> asked;  // two roots may be one
    for (Engine& engine : engines) {
        if (stop.load() || Clock::now() < engine.next_try) continue;
        struct stat about {};
        const base::Fd socket = open_socket_below(engine.root, engine.socket, about);
        if (!socket) continue;  // looking is cheap
        if (!asked.emplace(about.st_dev, about.st_ino).second) continue;
        const auto answer = ask_engine("/proc/self/fd/" + std::to_string(socket.get()), id, options.timeout, stop);
        if (answer.outcome == EngineAnswer::Outcome::failed) {
            engine.pause = std::clamp<std::chrono::seconds>(engine.pause * 2, kFirstPause, kLongestPause);
            engine.next_try = Clock::now() + engine.pause;
            continue;
        }
        engine.pause = std::chrono::seconds(0);
        if (answer.outcome == EngineAnswer::Outcome::named) return answer.facts;
    }
    return std::nullopt;
}

}  // namespace llmsnoop::attribution
