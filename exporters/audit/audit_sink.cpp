#include "exporters/audit/audit_sink.h"

#include <utility>

#include "agent/base/log.h"
#include "exporters/audit/chain.h"
#include "exporters/record_json.h"

namespace llmsnoop::exporters {

base::Result<std::unique_ptr<AuditSink>> AuditSink::create(AuditOptions options) {
    auto log = AuditLog::open(options.log);
    if (!log) return log.error();
    return std::unique_ptr<AuditSink>(new AuditSink(std::move(options), std::move(*log)));
}

AuditSink::AuditSink(AuditOptions options, std::unique_ptr<AuditLog> log)
    : options_(std::move(options)), log_(std::move(log)), seq_(log_->head().seq), prev_(log_->head().hash) {}

AuditSink::~AuditSink() {
    if (!waiting_.empty()) {
        base::log::error("audit log {}: {} records that waited to be written are lost", log_->path(), waiting_.size());
    }
    log_->sync();
    if (const auto failed = log_->take_sync_error()) base::log::error("{}", failed->message);
}

base::Result<void> AuditSink::exchange(const model::Cleared<model::Exchange>& exchange) {
    line_.clear();
    append_record_json(line_, exchange, options_.node);
    ++seq_;
    std::string hash = seal(line_, seq_, prev_).hash;
    // Once something waits, order demands that all that follows waits too.
    if (waiting_.empty()) {
        auto written = log_->append(line_);
        if (written) {
            prev_ = std::move(hash);
            return {};
        }
        base::log::error("{}; records wait in memory until it can be written again", written.error().message);
    }
    if (waiting_size_ + line_.size() > options_.waiting_bytes) {
        return base::error("audit log " + log_->path() + ": a record was lost, too many wait to be written");
    }
    prev_ = std::move(hash);
    waiting_size_ += line_.size();
    waiting_.push_back(line_);
    return {};
}

base::Result<void> AuditSink::flush() {
    if (auto written = write_waiting(); !written) return written;
    return log_->maintain();
}

base::Result<void> AuditSink::write_waiting() {
    if (waiting_.empty()) return {};
    while (!waiting_.empty()) {
        if (auto written = log_->append(waiting_.front()); !written) return written;
        waiting_size_ -= waiting_.front().size();
        waiting_.pop_front();
    }
    base::log::info("audit log {}: written again, nothing waits any more", log_->path());
    return {};
}

}  // namespace llmsnoop::exporters
