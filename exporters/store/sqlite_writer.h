#pragma once
// The store in one SQLite file, for the agent that writes it.
//
// Write-ahead log, synchronous NORMAL: a batch that `write` has taken survives a killed process; a power cut may take
// the batches since the last checkpoint with it, but never damages the file. Others may read at any time and never
// wait. What cannot be written now (locked, full, an I/O error) is an error, and the next try starts afresh. A file
// that turns out to be damaged is moved to PATH.corrupt-TIME, and a new one is begun: the agent goes on, and says so.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/clock.h"
#include "exporters/store/sqlite.h"
#include "exporters/store/store_writer.h"

namespace llmsnoop::exporters::store {

struct SqliteOptions {
    std::string path;
    base::Duration keep_for{0};   // older exchanges are deleted; 0: never by age
    std::uint64_t max_bytes = 0;  // the oldest are deleted beyond that; 0: no limit
    bool keep_records = true;     // the JSON lines too
    base::Duration busy_timeout = std::chrono::seconds(2);
    std::function<base::Time()> clock = base::now;
};

class SqliteWriter final : public StoreWriter {
 public:
    // Makes the directory (mode 0750) and the file (0640) where they are missing. A file that is locked or damaged is
    // no error here: it is dealt with when something is written. One that belongs to another program, or to a newer
    // version, is, and so is a place where no file can be.
    static base::Result<std::unique_ptr<SqliteWriter>> create(SqliteOptions options);

    std::string_view name() const override { return "store"; }
    base::Result<void> write(const std::deque<StoredRecord>& records, std::size_t count) override;
    base::Result<void> maintain() override;

 private:
    explicit SqliteWriter(SqliteOptions options);

    base::Result<void> open();
    base::Result<void> prepare_statements();
    base::Result<void> insert(const StoredRecord& record);
    base::Result<void> transaction(const std::deque<StoredRecord>& records, std::size_t count);
    void make_room(std::int64_t count);
    base::Error failed(base::Error error);
    void close();
    bool was_replaced() const;
    void move_aside();
    base::Result<std::optional<std::int64_t>> deletable_before();
    base::Result<std::int64_t> delete_oldest(std::int64_t before_ns);

    SqliteOptions options_;
    Database database_;
    Statement insert_;
    Statement insert_line_;
    Statement delete_;
    Statement delete_lines_;
    std::uint64_t inode_ = 0;
};

}  // namespace llmsnoop::exporters::store
