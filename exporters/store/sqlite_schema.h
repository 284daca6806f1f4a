#pragma once
// The tables of the store, and how older ones become them.
#include <cstdint>
#include <string>

#include "agent/base/result.h"
#include "exporters/store/sqlite.h"

namespace llmsnoop::exporters::store {

inline constexpr std::int64_t kSchemaVersion = 1;

// Makes the tables in an empty file, or brings those of an older version up to date, in one transaction. An error of
// kind unsupported: the file belongs to another program, or to a newer version of this one.
base::Result<void> prepare_schema(Database& database);

// Whether these are tables that can be read; the same errors.
base::Result<void> check_schema(Database& database);

}  // namespace llmsnoop::exporters::store
