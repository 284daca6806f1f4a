#pragma once
// Which processes talk to a model's host without being read.
//
// A connection is suspected when its ClientHello, sent outside of every probed call, asks for a model's host, and when
// more than a handshake has been sent over it since. That alone says little: a runtime that encrypts into memory shakes
// hands by itself. So judgement waits: the connection is a blind spot only if, some time after it carried data, no
// connection of the process whose plaintext is read can be the same one. What may be the same one is taken for it:
// where the socket of a read connection is not known its host's name decides, and where that is not known either, it
// may be any that began about that time.
//
// A host stops being a blind spot of a process when a later connection to it is read. Processes that have ended are
// remembered for a while, because one that lived for a second would otherwise never be seen in a gauge.
//
// Thread-safe. Bounded: what finds no room is counted (blind_limit) and not judged; nor is, when a read connection may
// have been lost, here or anywhere before, what carried data about then.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/blind.h"
#include "agent/model/capture_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::blind {

struct BlindOptions {
    base::Duration after = std::chrono::seconds(10);  // judgement waits for so long
    base::Duration keep = std::chrono::minutes(5);    // processes that have ended are remembered for so long
    std::size_t connections = 16384;                  // of all processes, read and suspected
    std::size_t processes = 1024;                     // that have blind spots
    std::size_t hosts = 16;                           // of one process

    // Is this the name of a model's host? In lower case, without port.
    std::function<bool(std::string_view)> is_model_host;
    // Why TLS of this process may be unseen, by what it has mapped; nothing if it cannot be looked at any more.
    std::function<std::optional<model::BlindCause>(const model::ProcessKey&)> look;
    std::function<std::shared_ptr<const model::Identity>(const model::ProcessKey&)> identity;
};

// A TLS connection of which plaintext has arrived.
struct ReadConnection {
    model::ConnectionId id = 0;
    model::ProcessKey process;
    base::Time opened;
    std::optional<model::Endpoint> local;
    std::optional<model::Endpoint> peer;
    std::string server_name;  // empty: not known, as of `authority`, the host that a request names
    std::string authority;
};

class BlindTable {
 public:
    BlindTable(BlindOptions options, model::LossCounters& losses);

    void unprobed(const model::UnprobedTls& event);

    // Again whenever more is known of it; what was said before stays.
    void read(const ReadConnection& connection);
    void closed(const model::ProcessKey& process, model::ConnectionId connection, base::Time time);
    void ended(const model::ProcessEnded& event);

    // The process was asked to pass on what somebody has to say to this host (CONNECT, RFC 9110 section 9.3.6): a
    // ClientHello that it sends there about that time is not its own.
    void tunnel(const model::ProcessKey& process, const std::string& host, base::Time time);

    // Judges what is due. Every now and then, from one thread.
    void tick(base::Time now);

    std::vector<model::BlindProcess> list() const;

    // Processes by the reason of their latest blind spot: all reasons, zeros included.
    std::map<std::string, double> by_reason() const;

 private:
    struct Suspect {
        std::string host;
        base::Time began;
        std::optional<base::Time> carried;  // when it was seen to carry data
        std::optional<model::Endpoint> local;
        std::optional<model::Endpoint> peer;
        std::optional<model::BlindCause> cause;  // as of that time
    };
    struct Read {
        base::Time opened;
        std::optional<base::Time> closed;
        std::optional<model::Endpoint> local;
        std::optional<model::Endpoint> peer;
        std::set<std::string> hosts;
    };
    struct Process {
        std::map<std::uint64_t, Suspect> waiting;  // by socket: nothing but the handshake yet
        std::vector<Suspect> due;                  // have carried data
        std::map<model::ConnectionId, Read> read;
        std::map<std::string, model::BlindHost> blind;
        std::map<std::string, base::Time> tunnels;  // that it has as a proxy
        std::optional<base::Time> ended;
        std::shared_ptr<const model::Identity> who;  // as of its last blind spot

        bool empty() const {
            return waiting.empty() && due.empty() && read.empty() && blind.empty() && tunnels.empty();
        }
    };

    bool take_room();
    bool near(base::Time a, base::Time b) const { return a - b <= options_.after && b - a <= options_.after; }
    bool may_be_read(const Process& process, const Suspect& suspect) const;
    void note_blind(Process& process, const Suspect& suspect, model::BlindCause cause);
    void clear_if_read_again(Process& process, const Read& read);
    std::vector<std::pair<model::ProcessKey, Suspect>> take_due(base::Time now);
    void sweep(base::Time now);
    void notice_losses(base::Time now);
    std::vector<model::ProcessKey> still_blind() const;
    model::BlindProcess describe(const model::ProcessKey& key, const Process& process) const;

    const BlindOptions options_;
    model::LossCounters& losses_;

    mutable std::mutex mutex_;  // guards what follows; not held while others are asked
    std::map<model::ProcessKey, Process> processes_;
    std::size_t connections_ = 0;
    std::size_t due_ = 0;  // of them those that have carried data and are not judged
    std::size_t blind_processes_ = 0;
    std::optional<base::Time> unsure_;  // a read connection may have been lost then
    std::uint64_t lost_ = 0;            // what may have been one, as counted until then
    base::Time next_sweep_;
};

}  // namespace llmsnoop::blind
