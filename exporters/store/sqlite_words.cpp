#include "exporters/store/sqlite_words.h"

#include <sqlite3.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/base/clock.h"

namespace llmsnoop::exporters::store {

namespace {

using nlohmann::json;

std::string_view text_of(sqlite3_value* value) {
    const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(value));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    return data == nullptr ? std::string_view() : std::string_view(data, size);
}

void give(sqlite3_context* context, std::string_view text) {
    sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

bool any_null(int count, sqlite3_value** values) {
    for (int i = 0; i < count; ++i) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return true;
    }
    return false;
}

void rfc3339_of(sqlite3_context* context, int count, sqlite3_value** values) {
    if (any_null(count, values)) return sqlite3_result_null(context);
    give(context, base::rfc3339(base::time_from_unix_ns(sqlite3_value_int64(values[0]))));
}

void like_pattern(sqlite3_context* context, int count, sqlite3_value** values) {
    if (any_null(count, values)) return sqlite3_result_null(context);
    sqlite3_result_int(context, glob_matches(text_of(values[0]), text_of(values[1])) ? 1 : 0);
}

void label_of(sqlite3_context* context, int count, sqlite3_value** values) {
    if (any_null(count, values)) return sqlite3_result_null(context);
    const json labels = json::parse(text_of(values[0]), nullptr, false);
    const auto at = labels.is_object() ? labels.find(std::string(text_of(values[1]))) : labels.end();
    if (at == labels.end() || !at->is_string()) return sqlite3_result_null(context);
    give(context, at->get_ref<const std::string&>());
}

void holds(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        sqlite3_result_error(context,
                             "the filter asks for a field that is only in the records, and these are not kept "
                             "(store.keep_records)",
                             -1);
        return;
    }
    const auto* filter = static_cast<const Filter*>(sqlite3_user_data(context));
    const json record = json::parse(text_of(values[0]), nullptr, false);
    const auto node = static_cast<std::size_t>(sqlite3_value_int64(values[1]));
    sqlite3_result_int(context, !record.is_discarded() && filter->holds(node, record) ? 1 : 0);
}

}  // namespace

base::Result<void> add_functions(Database& database, const Filter& filter) {
    constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    void* const data = const_cast<Filter*>(&filter);
    const struct {
        const char* name;
        int values;
        void (*call)(sqlite3_context*, int, sqlite3_value**);
    } all[] = {
        {"rfc3339", 1, &rfc3339_of}, {"like_pattern", 2, &like_pattern}, {"label", 2, &label_of}, {"holds", 2, &holds}};
    for (const auto& one : all) {
        if (sqlite3_create_function_v2(database.handle(), one.name, one.values, kPure, data, one.call, nullptr, nullptr,
                                       nullptr) != SQLITE_OK)
            return database.error();
    }
    return {};
}

std::string SqliteWords::column(const Column& column) {
    return table_ + "." + std::string(column.name);
}

std::string SqliteWords::time_text(const Column& one) {
    return "rfc3339(" + column(one) + ")";
}

std::string SqliteWords::number(const Column& one) {
    return one.type == ColumnType::real ? column(one) : "CAST(" + column(one) + " AS REAL)";
}

std::string SqliteWords::label(const std::string& name) {
    return "label(" + table_ + ".labels, " + value(name) + ")";
}

std::string SqliteWords::value(const Value& value) {
    values_.push_back(value);
    return "?" + std::to_string(values_.size());
}

std::string SqliteWords::present(const std::string& expression) {
    return "(" + expression + " IS NOT NULL)";
}

std::string SqliteWords::if_known(const std::string& condition) {
    return "ifnull(" + condition + ", 0)";
}

std::string SqliteWords::like(const std::string& expression, const std::string& pattern) {
    return "like_pattern(" + value(pattern) + ", " + expression + ")";
}

base::Result<std::string> SqliteWords::other(const Filter& /*filter*/, std::size_t node) {
    return "holds((SELECT line FROM record WHERE record.seq = " + table_ + ".seq), " +
           value(static_cast<std::int64_t>(node)) + ")";
}

}  // namespace llmsnoop::exporters::store
