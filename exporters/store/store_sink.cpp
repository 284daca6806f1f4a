#include "exporters/store/store_sink.h"

#include <algorithm>
#include <utility>

#include "agent/base/log.h"
#include "exporters/record_json.h"

namespace llmsnoop::exporters::store {

namespace {

std::size_t size_of(const std::string& line) {
    return sizeof(StoredRecord) + line.size();
}

}  // namespace

StoreSink::StoreSink(StoreSinkOptions options, std::unique_ptr<StoreWriter> writer)
    : options_(std::move(options)), writer_(std::move(writer)) {}

StoreSink::~StoreSink() {
    if (!waiting_.empty())
        base::log::error("{}: {} records that waited to be written are lost", std::string(name()), waiting_.size());
}

base::Result<void> StoreSink::exchange(const model::Cleared<model::Exchange>& exchange) {
    line_.clear();
    append_record_json(line_, exchange, options_.node);
    auto row = row_of_record(line_);
    if (!row) return row.error();
    if (waiting_size_ + size_of(line_) > options_.waiting_bytes)
        return base::error("a record was lost, too many wait to be written");
    waiting_size_ += size_of(line_);
    waiting_.push_back({std::move(*row), line_});
    // That it failed is told by write(), and the record still waits: it is not lost.
    if (waiting_.size() >= options_.batch_records && !failing_) static_cast<void>(write());
    return {};
}

base::Result<void> StoreSink::flush() {
    auto written = write();
    const auto maintained = writer_->maintain();
    return written ? maintained : written;
}

base::Result<void> StoreSink::write() {
    while (!waiting_.empty()) {
        const std::size_t count = std::min(waiting_.size(), options_.batch_records);
        if (auto written = writer_->write(waiting_, count); !written) {
            if (!std::exchange(failing_, true)) {
                base::log::error("{}; records wait in memory until it can be written again", written.error().message);
            }
            return written;
        }
        for (std::size_t i = 0; i < count; ++i) {
            waiting_size_ -= size_of(waiting_.front().line);
            waiting_.pop_front();
        }
        if (std::exchange(failing_, false)) base::log::info("{}: written again", std::string(name()));
    }
    return {};
}

}  // namespace llmsnoop::exporters::store
