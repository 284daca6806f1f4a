#pragma once
// The filter in ClickHouse's words. 18.16 knows no bound parameters: a text stands there as the hexadecimal digits of
// its bytes, which cannot end a literal.
#include <string>
#include <string_view>

#include "exporters/store/filter_sql.h"

namespace llmsnoop::exporters::store {

std::string clickhouse_literal(std::string_view text);
std::string clickhouse_label(const std::string& name);  // its value, or NULL

class ClickhouseWords final : public SqlWords {
 public:
    std::string column(const Column& column) override;
    std::string time_text(const Column& column) override;
    std::string number(const Column& column) override;
    std::string label(const std::string& name) override { return clickhouse_label(name); }
    std::string value(const Value& value) override;
    std::string present(const std::string& expression) override { return "isNotNull(" + expression + ")"; }
    std::string if_known(const std::string& condition) override { return "ifNull(" + condition + ", 0)"; }
    std::string like(const std::string& expression, const std::string& pattern) override;
    base::Result<std::string> other(const Filter& filter, std::size_t node) override;
};

}  // namespace llmsnoop::exporters::store
