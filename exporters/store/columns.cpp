#include "exporters/store/columns.h"

#include <simdjson.h>

#include <algorithm>

#include "exporters/store/time_text.h"

namespace llmsnoop::exporters::store {

namespace {

using simdjson::dom::element;

std::optional<element> find(element at, std::string_view path) {
    while (true) {
        const std::size_t dot = path.find('.');
        if (at[path.substr(0, dot)].get(at) != simdjson::SUCCESS) return std::nullopt;
        if (dot == std::string_view::npos) return at;
        path.remove_prefix(dot + 1);
    }
}

Value integer_of(element field) {
    if (std::int64_t fits = 0; field.get(fits) == simdjson::SUCCESS) return fits;
    if (double large = 0; field.get(large) == simdjson::SUCCESS) return large;
    return {};
}

Value value_of(element field, ColumnType type) {
    std::string_view text;
    switch (type) {
        case ColumnType::text:
        case ColumnType::name:
            return field.get(text) == simdjson::SUCCESS ? Value(std::string(text)) : Value();
        case ColumnType::integer:
            return integer_of(field);
        case ColumnType::real: {
            double real = 0;
            return field.get(real) == simdjson::SUCCESS ? Value(real) : Value();
        }
        case ColumnType::boolean: {
            bool is = false;
            return field.get(is) == simdjson::SUCCESS ? Value(std::int64_t{is}) : Value();
        }
        case ColumnType::time: {
            const auto time = field.get(text) == simdjson::SUCCESS ? parse_rfc3339(text) : std::nullopt;
            return time ? Value(base::unix_ns(*time)) : Value();
        }
        case ColumnType::labels:
            return field.is_object() ? Value(simdjson::minify(field)) : Value();
        case ColumnType::present:
            return std::int64_t{1};
    }
    return {};
}

}  // namespace

base::Result<Row> row_of_record(std::string_view line) {
    thread_local simdjson::dom::parser parser;
    element record;
    if (parser.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS)
        return base::error("a record that is no JSON");
    Row row;
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
        if (const auto field = find(record, kColumns[i].path)) row[i] = value_of(*field, kColumns[i].type);
    }
    if (is_unknown(row[index_of("id")]) || is_unknown(row[index_of("time_ns")]))
        return base::error("a record without id or time");
    return row;
}

const Column* column_of_path(const std::vector<std::string>& path) {
    std::string dotted;
    for (const std::string& part : path)
        dotted += (dotted.empty() ? "" : ".") + part;
    const auto at =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& column) { return column.path == dotted; });
    return at == kColumns.end() ? nullptr : &*at;
}

}  // namespace llmsnoop::exporters::store
