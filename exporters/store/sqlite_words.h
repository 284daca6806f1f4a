#pragma once
// The filter in SQLite's words, and the functions that it needs there.
#include <string>
#include <vector>

#include "exporters/store/filter_sql.h"
#include "exporters/store/sqlite.h"

namespace llmsnoop::exporters::store {

// rfc3339(ns), like_pattern(pattern, text), label(labels, name), holds(line, node). `filter` must outlive the data
// base's statements: holds() asks it.
base::Result<void> add_functions(Database& database, const Filter& filter);

class SqliteWords final : public SqlWords {
 public:
    // `table`: the alias of the table `exchange`. Values are appended to `values`, in the order of their marks.
    SqliteWords(std::string table, std::vector<Value>& values) : table_(std::move(table)), values_(values) {}

    std::string column(const Column& column) override;
    std::string time_text(const Column& column) override;
    std::string number(const Column& column) override;
    std::string label(const std::string& name) override;
    std::string value(const Value& value) override;
    std::string present(const std::string& expression) override;
    std::string if_known(const std::string& condition) override;
    std::string like(const std::string& expression, const std::string& pattern) override;
    base::Result<std::string> other(const Filter& filter, std::size_t node) override;

 private:
    std::string table_;
    std::vector<Value>& values_;
};

}  // namespace llmsnoop::exporters::store
