#pragma once
// The audit log as a sink: every record becomes one line of the hash chain (chain.h) in files that rotate
// (audit_log.h).
//
// A record that cannot be written waits in memory, up to `waiting_bytes`, and is tried again with each flush: `waiting`
// says how many do. One that finds no room there is lost: `exchange` says so, and the chain's numbers jump by one.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "exporters/audit/audit_log.h"
#include "exporters/sink.h"

namespace llmsnoop::exporters {

struct AuditOptions {
    AuditLogOptions log;
    std::string node;  // name of this machine, for the records
    std::size_t waiting_bytes = 4U << 20;
};

class AuditSink final : public Sink {
 public:
    // Fails if the directory cannot be written or another agent writes there.
    static base::Result<std::unique_ptr<AuditSink>> create(AuditOptions options);

    // What still waits is lost: flush first.
    ~AuditSink() override;

    std::string_view name() const override { return "audit"; }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override;
    base::Result<void> flush() override;
    std::uint64_t waiting() const override { return waiting_.size(); }

    // Go on in a new file (SIGHUP). From any thread, as long as the sink lives; the flag does the same and outlives it.
    void request_reopen() { log_->reopen_flag()->store(true, std::memory_order_relaxed); }
    AuditLog::ReopenFlag reopen_flag() const { return log_->reopen_flag(); }

 private:
    AuditSink(AuditOptions options, std::unique_ptr<AuditLog> log);

    base::Result<void> write_waiting();

    AuditOptions options_;
    std::unique_ptr<AuditLog> log_;
    std::uint64_t seq_ = 0;  // of the last record, written or not
    std::string prev_;       // hash of the last line that is written or waits
    std::string line_;
    std::deque<std::string> waiting_;
    std::size_t waiting_size_ = 0;
};

}  // namespace llmsnoop::exporters
