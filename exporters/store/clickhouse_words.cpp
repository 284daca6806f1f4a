#include "exporters/store/clickhouse_words.h"

#include <fmt/format.h>

namespace llmsnoop::exporters::store {

std::string clickhouse_literal(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out = "unhex('";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return out + "')";
}

std::string clickhouse_label(const std::string& name) {
    const std::string literal = clickhouse_literal(name);
    return "if(has(label_names, " + literal + "), label_values[indexOf(label_names, " + literal + ")], NULL)";
}

std::string ClickhouseWords::column(const Column& column) {
    if (column.type == ColumnType::labels) return "if(notEmpty(label_names), '{}', NULL)";
    return std::string(column.name);
}

std::string ClickhouseWords::time_text(const Column& one) {
    const std::string name(one.name);
    return "concat(replaceOne(toString(toDateTime(intDiv(" + name +
           ", 1000000000), 'UTC')), ' ', 'T'), '.', "
           "substring(toString(1000000000 + " +
           name + " % 1000000000), 2), 'Z')";
}

std::string ClickhouseWords::number(const Column& one) {
    return one.type == ColumnType::real ? column(one) : "toFloat64(" + column(one) + ")";
}

std::string ClickhouseWords::value(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return clickhouse_literal(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&value)) return "toFloat64('" + fmt::format("{}", *real) + "')";
    return "NULL";
}

// A pattern as a regular expression (RE2): every byte that could mean something there stands as itself.
std::string ClickhouseWords::like(const std::string& expression, const std::string& pattern) {
    std::string regex = "(?s)^";
    for (const char c : pattern) {
        if (c == '*') {
            regex += ".*";
        } else if (c == '?') {
            regex += ".";
        } else if (std::string_view("\\.+()[]{}^$|").find(c) != std::string_view::npos) {
            regex += {'\\', c};
        } else {
            regex.push_back(c);
        }
    }
    // Of constants only, and a NULL text is no match: where it matters, if_known has been asked.
    return "match(" + expression + ", " + clickhouse_literal(regex + "$") + ")";
}

base::Result<std::string> ClickhouseWords::other(const Filter& filter, std::size_t node) {
    std::string path;
    for (const std::string& part : filter.nodes()[node].path)
        path += (path.empty() ? "" : ".") + part;
    return base::error("ClickHouse has no column for " + path, base::Error::Kind::usage);
}

}  // namespace llmsnoop::exporters::store
