#pragma once
// Where the store's sink puts what it has collected: SQLite on this machine, or ClickHouse for many.
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "exporters/store/columns.h"

namespace llmsnoop::exporters::store {

// A record on its way: its columns, and its JSON text.
struct StoredRecord {
    Row row;
    std::string line;
};

class StoreWriter {
 public:
    StoreWriter() = default;
    StoreWriter(const StoreWriter&) = delete;
    StoreWriter& operator=(const StoreWriter&) = delete;
    virtual ~StoreWriter() = default;

    virtual std::string_view name() const = 0;

    // Makes the first `count` records durable, all or none. A record whose id is there already replaces it. After an
    // error the same records may be given again.
    virtual base::Result<void> write(const std::deque<StoredRecord>& records, std::size_t count) = 0;

    // What has to be done now and then, in a small slice: retention, what waits in a spool. Called once a second or so.
    virtual base::Result<void> maintain() = 0;
};

}  // namespace llmsnoop::exporters::store
