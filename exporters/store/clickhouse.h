#pragma once
// ClickHouse over HTTP, for a fleet: the writer that an agent has besides its own store, and the reader. The tables are
// those of clickhouse.sql. Works with 18.16 and later.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "exporters/store/spool.h"
#include "exporters/store/store_reader.h"
#include "exporters/store/store_writer.h"

namespace llmsnoop::exporters::store {

struct ClickhouseOptions {
    std::string url;  // http://host:8123
    std::string database = "default";
    std::string user;           // empty: the server's default
    std::string password_file;  // empty: none
    std::string ca_file;        // PEM; empty: the machine's own
};

// One statement, and what the server answered.
class ClickhouseClient {
 public:
    // Reads the password. An error (kind usage), if that or the URL will not do: a password goes over plain HTTP to
    // this machine only.
    static base::Result<ClickhouseClient> create(const ClickhouseOptions& options);

    // `settings` belong to the query of the URL: "&max_execution_time=10". `body` follows the statement, if there is
    // one.
    base::Result<std::string> run(std::string_view statement, std::string_view settings = {},
                                  const std::string* body = nullptr,
                                  std::chrono::milliseconds timeout = std::chrono::seconds(60)) const;

 private:
    ClickhouseOptions options_;
    std::string password_;
};

// Batches go to the server as they come; what it does not take goes to the spool, and from there to the server when it
// is back: tried again after a second, then after two, four ... and sixty. A batch is sent again if its answer got
// lost; the table knows.
class ClickhouseWriter final : public StoreWriter {
 public:
    // An unreachable server is no error: there is the spool.
    static base::Result<std::unique_ptr<ClickhouseWriter>> create(const ClickhouseOptions& options, SpoolOptions spool);

    std::string_view name() const override { return "clickhouse"; }
    base::Result<void> write(const std::deque<StoredRecord>& records, std::size_t count) override;
    base::Result<void> maintain() override;

 private:
    using Clock = std::chrono::steady_clock;

    ClickhouseWriter(ClickhouseClient client, Spool spool) : client_(std::move(client)), spool_(std::move(spool)) {}

    base::Result<void> send(const std::string& rows);
    base::Result<void> make_tables(Clock::time_point until);

    ClickhouseClient client_;
    Spool spool_;
    bool tables_made_ = false;
    std::chrono::seconds wait_{0};
    Clock::time_point next_try_{};
};

class ClickhouseReader final : public StoreReader {
 public:
    static base::Result<std::unique_ptr<ClickhouseReader>> create(const ClickhouseOptions& options);

    base::Result<UsageReport> usage(const UsageQuery& query) override;
    base::Result<ExchangePage> exchanges(const ExchangeQuery& query) override;
    base::Result<std::optional<std::string>> exchange(const std::string& id) override;

 private:
    explicit ClickhouseReader(ClickhouseClient client) : client_(std::move(client)) {}

    ClickhouseClient client_;
};

// A record as a line of INSERT ... FORMAT JSONEachRow.
std::string clickhouse_row(const StoredRecord& record);

}  // namespace llmsnoop::exporters::store
