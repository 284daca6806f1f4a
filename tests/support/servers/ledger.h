#pragma once
// The ground truth: what the server was asked and what it answered, for tests to compare the agent's records with.
// Thread-safe.
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "tests/support/servers/answer.h"
#include "tests/support/servers/channel.h"

namespace llmsnoop::support {

enum class ExchangeState : std::uint8_t { open, whole, cut };

struct LedgerEntry {
    Truth truth;  // counts, finish reasons and so on as far as they were sent
    ExchangeState state = ExchangeState::open;
    int status = 0;
    std::uint16_t client_port = 0;    // 127.0.0.1:client_port is the other end
    std::uint64_t connection = 0;     // running number
    std::string path;                 // without the query
    std::uint64_t request_bytes = 0;  // body as sent, without chunk framing
    std::uint64_t response_bytes = 0;
    std::string request_body_sha256;  // of the decoded bodies; of the part sent where the exchange was cut
    std::string response_body_sha256;
};

class Ledger {
 public:
    enum class Keep : std::uint8_t { exchanges, totals_only };

    explicit Ledger(Keep keep) : keep_(keep) {}

    Keep keep() const { return keep_; }

    // Numbers start at 1 and follow the order in which requests were read.
    std::uint64_t open(LedgerEntry entry);
    // Replaces the entry; may be called again to take back what was said too early.
    void close(std::uint64_t number, LedgerEntry entry);

    void count_connection();
    void add_io(const IoCounts& counts);

    // {"requests":…,"whole":…,"cut":…,"errors":…,"connections":…,"ssl":{…},"cpu_s":…,"tokens":[{api, model, …}]}
    std::string stats_json() const;

    // {"exchanges":[…],"last":N,"more":bool}: entries with a number above `since`, at most `limit` of them.
    std::string exchanges_json(std::uint64_t since, std::size_t limit) const;

 private:
    struct Totals {
        std::uint64_t exchanges = 0;
        std::uint64_t input = 0;
        std::uint64_t output = 0;
        std::uint64_t cache_read = 0;
        std::uint64_t cache_write = 0;
        std::uint64_t reasoning = 0;
    };

    void count(const LedgerEntry& entry, bool add);

    const Keep keep_;
    mutable std::mutex mutex_;
    std::deque<LedgerEntry> entries_;
    std::uint64_t opened_ = 0;
    std::uint64_t whole_ = 0;
    std::uint64_t cut_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t connections_ = 0;
    IoCounts io_;
    std::map<std::pair<std::string, std::string>, Totals> totals_;  // by API and model as answered, else as asked for
};

}  // namespace llmsnoop::support
