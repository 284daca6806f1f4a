#include "exporters/store/columns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exporters/store/time_text.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;

const json* find(const json& record, std::string_view path) {
    const json* at = &record;
    while (true) {
        const std::size_t dot = path.find('.');
        if (!at->is_object()) return nullptr;
        const auto found = at->find(std::string(path.substr(0, dot)));
        if (found == at->end()) return nullptr;
        at = &*found;
        if (dot == std::string_view::npos) return at;
        path.remove_prefix(dot + 1);
    }
}

Value integer_of(const json& field) {
    if (field.is_number_unsigned() && field.get<std::uint64_t>() > INT64_MAX) return field.get<double>();
    if (field.is_number_integer()) return field.get<std::int64_t>();
    if (field.is_number()) return field.get<double>();
    return {};
}

Value value_of(const json& field, ColumnType type) {
    switch (type) {
        case ColumnType::text:
        case ColumnType::name:
            return field.is_string() ? Value(field.get_ref<const std::string&>()) : Value();
        case ColumnType::integer:
            return integer_of(field);
        case ColumnType::real:
            return field.is_number() ? Value(field.get<double>()) : Value();
        case ColumnType::boolean:
            return field.is_boolean() ? Value(std::int64_t{field.get<bool>()}) : Value();
        case ColumnType::time: {
            const auto time = field.is_string() ? parse_rfc3339(field.get_ref<const std::string&>()) : std::nullopt;
            return time ? Value(base::unix_ns(*time)) : Value();
        }
        case ColumnType::labels:
            return field.is_object() ? Value(field.dump(-1, ' ', false, json::error_handler_t::replace)) : Value();
        case ColumnType::present:
            return std::int64_t{1};
    }
    return {};
}

}  // namespace

base::Result<Row> row_of_record(std::string_view line) {
    const json record = json::parse(line, nullptr, false);
    if (record.is_discarded()) return base::error("a record that is no JSON");
    Row row;
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
        if (const json* field = find(record, kColumns[i].path)) row[i] = value_of(*field, kColumns[i].type);
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
