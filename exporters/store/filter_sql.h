#pragma once
// A filter as an SQL condition. The filter's logic has two values where SQL's has three: a comparison with an absent
// field is false, and its negation true; so below a `!` every condition is made to say false where SQL would say NULL.
//
// No text of the filter's becomes part of the SQL: `SqlWords` says how a value stands there.
#include <cstddef>
#include <string>

#include "agent/base/result.h"
#include "exporters/filter/filter.h"
#include "exporters/store/columns.h"

namespace llmsnoop::exporters::store {

// How one data base says things. Expressions are NULL where the field is absent.
class SqlWords {
 public:
    SqlWords() = default;
    SqlWords(const SqlWords&) = delete;
    SqlWords& operator=(const SqlWords&) = delete;
    virtual ~SqlWords() = default;

    virtual std::string column(const Column& column) = 0;            // as it is stored
    virtual std::string time_text(const Column& column) = 0;         // a time as the record writes it
    virtual std::string number(const Column& column) = 0;            // as a double, which is what the filter compares
    virtual std::string label(const std::string& name) = 0;          // of the column `labels`
    virtual std::string value(const Value& value) = 0;               // a placeholder, or a literal
    virtual std::string present(const std::string& expression) = 0;  // never NULL
    virtual std::string if_known(const std::string& condition) = 0;  // false instead of NULL
    virtual std::string like(const std::string& expression, const std::string& pattern) = 0;
    // The part of the filter that ends with this node, which asks for a field without a column.
    virtual base::Result<std::string> other(const Filter& filter, std::size_t node) = 0;
};

// "1" for a filter that matches everything.
base::Result<std::string> sql_of(const Filter& filter, SqlWords& words);

}  // namespace llmsnoop::exporters::store
