#pragma once
// Reads the store of this machine, also while the agent writes it. Each call opens the file anew, read-only, so it sees
// what is there now, and several threads may call at once.
#include <string>

#include "exporters/store/sqlite.h"
#include "exporters/store/store_reader.h"

namespace llmsnoop::exporters::store {

class SqliteReader final : public StoreReader {
 public:
    explicit SqliteReader(std::string path) : path_(std::move(path)) {}

    base::Result<UsageReport> usage(const UsageQuery& query) override;
    base::Result<ExchangePage> exchanges(const ExchangeQuery& query) override;
    base::Result<std::optional<std::string>> exchange(const std::string& id) override;

 private:
    base::Result<Database> open(const std::optional<base::Duration>& time) const;

    std::string path_;
};

}  // namespace llmsnoop::exporters::store
