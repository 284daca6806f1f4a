#pragma once
// The store as a sink: records are collected and written many at a time.
//
// A batch is written as soon as `batch_records` wait, and with every flush, once a second: what a killed process loses
// is what it took since then. While nothing can be written (a full disk, a locked file, a server that is away) records
// wait in memory, up to `waiting_bytes`; one that finds no room there is lost, and `exchange` says so. That writing
// fails is told once, and that it works again too.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "exporters/sink.h"
#include "exporters/store/store_writer.h"

namespace llmsnoop::exporters::store {

struct StoreSinkOptions {
    std::string node;  // name of this machine, for the records
    std::size_t batch_records = 1000;
    std::size_t waiting_bytes = 16U << 20;  // of the lines and their columns, roughly
};

class StoreSink final : public Sink {
 public:
    StoreSink(StoreSinkOptions options, std::unique_ptr<StoreWriter> writer);
    // What still waits is lost: flush first.
    ~StoreSink() override;

    std::string_view name() const override { return writer_->name(); }
    base::Result<void> exchange(const model::Cleared<model::Exchange>& exchange) override;
    base::Result<void> flush() override;
    std::uint64_t waiting() const override { return waiting_.size(); }

 private:
    base::Result<void> write();

    StoreSinkOptions options_;
    std::unique_ptr<StoreWriter> writer_;
    std::deque<StoredRecord> waiting_;
    std::size_t waiting_size_ = 0;
    bool failing_ = false;
    std::string line_;
};

}  // namespace llmsnoop::exporters::store
