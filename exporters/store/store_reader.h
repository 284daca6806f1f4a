#pragma once
// What can be asked of a store, whichever it is. Calls may come from any thread and block.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/filter/filter.h"
#include "exporters/store/usage_query.h"

namespace llmsnoop::exporters::store {

// Single exchanges, newest first.
struct ExchangeQuery {
    std::optional<base::Time> since, until;
    Filter filter;
    std::size_t limit = 100;
    std::string cursor;  // `next` of the page before; empty: from the newest
    std::optional<base::Duration> time;
};

struct ExchangePage {
    std::vector<std::string> records;  // JSON lines
    std::string next;                  // empty: this is the last
};

// A place between two exchanges in the order of time and id. "1795171080123456789-01JD4Z0000000000000000000A".
struct Cursor {
    std::int64_t time_ns = 0;
    std::string id;
};
std::string to_string(const Cursor& cursor);
base::Result<Cursor> parse_cursor(std::string_view text);

class StoreReader {
 public:
    StoreReader() = default;
    StoreReader(const StoreReader&) = delete;
    StoreReader& operator=(const StoreReader&) = delete;
    virtual ~StoreReader() = default;

    // An exchange of which both ends were seen has two records. It counts once: the server's is left out if the
    // client's matches too.
    virtual base::Result<UsageReport> usage(const UsageQuery& query) = 0;
    virtual base::Result<ExchangePage> exchanges(const ExchangeQuery& query) = 0;
    // Absent: there is none of that id.
    virtual base::Result<std::optional<std::string>> exchange(const std::string& id) = 0;
};

}  // namespace llmsnoop::exporters::store
