#include "agent/blind/blind_table.h"

#include <algorithm>
#include <utility>

namespace llmsnoop::blind {

namespace {

constexpr base::Duration kSweepEvery = std::chrono::seconds(30);
// A socket that carried nothing for so long is closed, most likely; nobody tells.
constexpr base::Duration kWaiting = std::chrono::hours(1);
constexpr std::size_t kTunnels = 256;  // of one process
constexpr std::size_t kNames = 4;      // of one connection: a proxy's client may ask for many

void learn(std::optional<model::Endpoint>& known, const std::optional<model::Endpoint>& told) {
    if (told) known = told;
}

// A tunnel to an address may lead to any host.
bool is_address(std::string_view host) {
    return host.find_first_not_of("0123456789.") == std::string_view::npos || host.find(':') != std::string_view::npos;
}
constexpr const char* kAnyHost = "";

}  // namespace

BlindTable::BlindTable(BlindOptions options, model::LossCounters& losses)
    : options_(std::move(options)), losses_(losses) {}

bool BlindTable::take_room() {
    if (connections_ < options_.connections) {
        ++connections_;
        return true;
    }
    losses_.add(model::Loss::blind_limit);
    return false;
}

void BlindTable::unprobed(const model::UnprobedTls& event) {
    if (event.what == model::UnprobedTls::What::began) {
        const bool of_interest = !event.server_name.empty() && options_.is_model_host(event.server_name);
        const std::lock_guard lock(mutex_);
        const auto known = processes_.find(event.process);
        // The address of a socket is used again.
        if (known != processes_.end()) connections_ -= known->second.waiting.erase(event.socket);
        if (!of_interest) return;
        if (known != processes_.end()) {
            for (const std::string& host : {event.server_name, std::string(kAnyHost)}) {
                const auto tunnel = known->second.tunnels.find(host);
                if (tunnel != known->second.tunnels.end() && near(tunnel->second, event.time)) return;
            }
        }
        if (!take_room()) return;
        Suspect suspect;
        suspect.host = event.server_name;
        suspect.began = event.time;
        suspect.local = event.local;
        suspect.peer = event.peer;
        processes_[event.process].waiting.emplace(event.socket, std::move(suspect));
        return;
    }
    bool is_read = false;
    {
        const std::lock_guard lock(mutex_);
        const auto process = processes_.find(event.process);
        if (process == processes_.end()) return;
        const auto waiting = process->second.waiting.find(event.socket);
        if (waiting == process->second.waiting.end()) return;
        waiting->second.carried = event.time;
        is_read = may_be_read(process->second, waiting->second);
    }
    // Its process may not live until it is judged.
    auto cause = is_read ? std::nullopt : options_.look(event.process);
    const std::lock_guard lock(mutex_);
    const auto process = processes_.find(event.process);
    if (process == processes_.end()) return;
    const auto waiting = process->second.waiting.find(event.socket);
    if (waiting == process->second.waiting.end()) return;
    waiting->second.cause = std::move(cause);
    process->second.due.push_back(std::move(waiting->second));
    process->second.waiting.erase(waiting);
    ++due_;
}

void BlindTable::read(const ReadConnection& connection) {
    const std::lock_guard lock(mutex_);
    Process& process = processes_[connection.process];
    auto at = process.read.find(connection.id);
    if (at == process.read.end()) {
        if (!take_room()) {
            unsure_ = connection.opened;
            if (process.empty()) processes_.erase(connection.process);
            return;
        }
        at = process.read.emplace(connection.id, Read{}).first;
        at->second.opened = connection.opened;
    }
    Read& read = at->second;
    learn(read.local, connection.local);
    learn(read.peer, connection.peer);
    for (const std::string& host : {connection.server_name, connection.authority}) {
        if (!host.empty() && read.hosts.size() < kNames) read.hosts.insert(host);
    }
    clear_if_read_again(process, read);
}

void BlindTable::clear_if_read_again(Process& process, const Read& read) {
    if (process.blind.empty()) return;
    for (const std::string& host : read.hosts) {
        const auto at = process.blind.find(host);
        if (at != process.blind.end() && read.opened > at->second.last) process.blind.erase(at);
    }
    if (process.blind.empty()) --blind_processes_;
}

void BlindTable::closed(const model::ProcessKey& process, model::ConnectionId connection, base::Time time) {
    const std::lock_guard lock(mutex_);
    const auto known = processes_.find(process);
    if (known == processes_.end()) return;
    const auto read = known->second.read.find(connection);
    if (read != known->second.read.end()) read->second.closed = time;
}

void BlindTable::ended(const model::ProcessEnded& event) {
    const std::lock_guard lock(mutex_);
    const auto known = processes_.find(event.process);
    if (known == processes_.end()) return;
    Process& process = known->second;
    connections_ -= process.waiting.size();
    process.waiting.clear();
    for (auto& [id, read] : process.read)
        read.closed = event.time;
    if (event.how == model::ProcessEnded::How::exited) {
        process.ended = event.time;
    } else if (!process.blind.empty()) {  // what runs now is another program
        process.blind.clear();
        --blind_processes_;
    }
}

void BlindTable::tunnel(const model::ProcessKey& key, const std::string& to, base::Time time) {
    const std::string host = is_address(to) ? kAnyHost : to;
    if (host != kAnyHost && !options_.is_model_host(host)) return;
    const std::lock_guard lock(mutex_);
    Process& process = processes_[key];
    if (process.tunnels.size() >= kTunnels) process.tunnels.erase(process.tunnels.begin());
    process.tunnels[host] = time;
    // The two are heard of in any order.
    const auto is_it = [&](const Suspect& one) {
        return (one.host == host || host == kAnyHost) && near(one.began, time);
    };
    connections_ -= std::erase_if(process.waiting, [&](const auto& one) { return is_it(one.second); });
    const std::size_t passed_on = std::erase_if(process.due, is_it);
    connections_ -= passed_on;
    due_ -= passed_on;
}

// May one of the connections that are read be this one?
bool BlindTable::may_be_read(const Process& process, const Suspect& suspect) const {
    if (unsure_ && (near(*unsure_, *suspect.carried) || near(*unsure_, suspect.began))) return true;
    return std::any_of(process.read.begin(), process.read.end(), [&](const auto& one) {
        const Read& read = one.second;
        if (read.local && read.peer && suspect.local && suspect.peer)
            return read.local == suspect.local && read.peer == suspect.peer;
        if (read.opened + options_.after < suspect.began) return false;
        return read.hosts.empty() || read.hosts.contains(suspect.host);
    });
}

std::vector<std::pair<model::ProcessKey, BlindTable::Suspect>> BlindTable::take_due(base::Time now) {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<model::ProcessKey, Suspect>> out;
    if (due_ == 0) return out;
    for (auto& [key, process] : processes_) {
        const auto is_due = [&](const Suspect& one) { return *one.carried + options_.after <= now; };
        for (const Suspect& one : process.due) {
            if (!is_due(one)) continue;
            --connections_;
            --due_;
            if (!may_be_read(process, one)) out.emplace_back(key, one);
        }
        std::erase_if(process.due, is_due);
    }
    return out;
}

void BlindTable::notice_losses(base::Time now) {
    using model::Loss;
    std::uint64_t lost = 0;
    for (const Loss loss : {Loss::ring_full, Loss::calls_full, Loss::connections_full, Loss::connection_limit})
        lost += losses_.get(loss);
    const std::lock_guard lock(mutex_);
    if (lost == lost_) return;
    lost_ = lost;
    unsure_ = now;
}

void BlindTable::tick(base::Time now) {
    notice_losses(now);
    for (const auto& [key, suspect] : take_due(now)) {
        auto cause = options_.look(key);
        if (!cause) cause = suspect.cause;
        auto who = options_.identity(key);
        const std::lock_guard lock(mutex_);
        Process& process = processes_[key];
        process.who = std::move(who);
        note_blind(process, suspect, cause.value_or(model::BlindCause{model::BlindReason::process_gone, ""}));
    }
    {
        const std::lock_guard lock(mutex_);
        if (now < next_sweep_) return;
        next_sweep_ = now + kSweepEvery;
    }
    // The notice of an end may have been lost.
    std::vector<model::ProcessKey> gone = still_blind();
    std::erase_if(gone, [&](const model::ProcessKey& key) { return options_.look(key).has_value(); });
    for (const model::ProcessKey& key : gone)
        ended({now, key, model::ProcessEnded::How::exited});
    sweep(now);
}

void BlindTable::note_blind(Process& process, const Suspect& suspect, model::BlindCause cause) {
    const bool is_new = process.blind.empty();
    auto at = process.blind.find(suspect.host);
    if (at == process.blind.end()) {
        if (process.blind.size() >= options_.hosts || (is_new && blind_processes_ >= options_.processes)) {
            losses_.add(model::Loss::blind_limit);
            return;
        }
        at = process.blind.emplace(suspect.host, model::BlindHost{}).first;
        at->second.host = suspect.host;
        at->second.since = *suspect.carried;
    }
    if (is_new) ++blind_processes_;
    at->second.cause = std::move(cause);
    at->second.last = std::max(at->second.last, *suspect.carried);
    ++at->second.connections;
}

std::vector<model::ProcessKey> BlindTable::still_blind() const {
    const std::lock_guard lock(mutex_);
    std::vector<model::ProcessKey> out;
    for (const auto& [key, process] : processes_) {
        if (!process.blind.empty() && !process.ended) out.push_back(key);
    }
    return out;
}

void BlindTable::sweep(base::Time now) {
    const std::lock_guard lock(mutex_);
    for (auto at = processes_.begin(); at != processes_.end();) {
        Process& process = at->second;
        connections_ -=
            std::erase_if(process.waiting, [&](const auto& one) { return now - one.second.began > kWaiting; });
        // What carried data before it was closed has been judged by then.
        connections_ -= std::erase_if(process.read, [&](const auto& one) {
            return one.second.closed && now - *one.second.closed > 2 * options_.after;
        });
        std::erase_if(process.tunnels, [&](const auto& one) { return now - one.second > 2 * options_.after; });
        if (process.ended && now - *process.ended > options_.keep && !process.blind.empty()) {
            process.blind.clear();
            --blind_processes_;
        }
        at = process.empty() ? processes_.erase(at) : std::next(at);
    }
}

model::BlindProcess BlindTable::describe(const model::ProcessKey& key, const Process& process) const {
    model::BlindProcess out;
    out.key = key;
    out.who = process.who;
    out.ended = process.ended;
    for (const auto& [host, blind] : process.blind)
        out.hosts.push_back(blind);
    return out;
}

std::vector<model::BlindProcess> BlindTable::list() const {
    std::vector<model::BlindProcess> out;
    const std::lock_guard lock(mutex_);
    for (const auto& [key, process] : processes_) {
        if (!process.blind.empty()) out.push_back(describe(key, process));
    }
    return out;
}

std::map<std::string, double> BlindTable::by_reason() const {
    std::map<std::string, double> out;
    for (const model::BlindReason reason : model::kBlindReasons)
        out[std::string(name_of(reason))] = 0;
    const std::lock_guard lock(mutex_);
    for (const auto& [key, process] : processes_) {
        const auto latest =
            std::max_element(process.blind.begin(), process.blind.end(),
                             [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
        if (latest != process.blind.end()) ++out[std::string(name_of(latest->second.cause.reason))];
    }
    return out;
}

}  // namespace llmsnoop::blind
