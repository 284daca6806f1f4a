#include "exporters/store/sqlite_schema.h"

#include <functional>
#include <set>
#include <string_view>

#include "exporters/store/columns.h"

namespace llmsnoop::exporters::store {

namespace {

constexpr std::int64_t kApplicationId = 0x4C4C4D53;  // "LLMS", in the header of the file

std::string type_of(ColumnType type) {
    switch (type) {
        case ColumnType::text:
        case ColumnType::name:
        case ColumnType::labels:
            return "TEXT";
        case ColumnType::real:
            return "REAL";
        case ColumnType::integer:
        case ColumnType::boolean:
        case ColumnType::time:
        case ColumnType::present:
            return "INTEGER";
    }
    return "";
}

// A new column is added to older files when they are opened; everything else that changes here needs a new version.
std::string definition_of(const Column& column) {
    return std::string(column.name) + " " + type_of(column.type);
}

std::string tables() {
    std::string sql = "CREATE TABLE exchange (seq INTEGER PRIMARY KEY";
    for (const Column& column : kColumns) {
        sql += ", " + definition_of(column);
        if (column.name == "id" || column.name == "time_ns") sql += " NOT NULL";
    }
    sql += ");";
    sql += "CREATE UNIQUE INDEX exchange_id ON exchange (id);";
    sql += "CREATE INDEX exchange_time ON exchange (time_ns);";
    sql += "CREATE INDEX exchange_pair ON exchange (pair) WHERE pair IS NOT NULL;";
    sql += "CREATE INDEX exchange_pod ON exchange (namespace, pod, time_ns) WHERE pod IS NOT NULL;";
    // Apart from the columns, so that a query does not have to read past the texts.
    sql += "CREATE TABLE record (seq INTEGER PRIMARY KEY, line TEXT NOT NULL);";
    return sql;
}

base::Result<void> set_up(Database& database) {
    if (auto done = database.execute(tables().c_str()); !done) return done;
    if (auto done = database.execute("PRAGMA application_id = 1280068947"); !done) return done;
    return database.execute("PRAGMA user_version = 1");
}
static_assert(kApplicationId == 1'280'068'947);

// A column that this version has and the file's did not. What it would hold of older exchanges is unknown.
base::Result<void> add_missing_columns(Database& database) {
    auto present = database.prepare("SELECT name FROM pragma_table_info('exchange')");
    if (!present) return present.error();
    std::set<std::string, std::less<>> names;
    while (present->step() == Statement::Step::row)
        names.emplace(present->text(0));
    present->reset();
    for (const Column& column : kColumns) {
        if (names.contains(column.name)) continue;
        const std::string sql = "ALTER TABLE exchange ADD COLUMN " + definition_of(column);
        if (auto added = database.execute(sql.c_str()); !added) return added;
    }
    return {};
}

base::Error foreign(const Database& database, const char* what) {
    return base::error("store " + database.path() + ": " + what, base::Error::Kind::unsupported);
}

}  // namespace

base::Result<void> check_schema(Database& database) {
    const auto application = database.integer("PRAGMA application_id");
    if (!application) return application.error();
    const auto version = database.integer("PRAGMA user_version");
    if (!version) return version.error();
    if (*application != kApplicationId) return foreign(database, "this is no store of llmsnoop");
    if (*version > kSchemaVersion) return foreign(database, "a newer version of llmsnoop made it");
    return {};
}

base::Result<void> prepare_schema(Database& database) {
    if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun;
    const auto finish = [&](base::Result<void> result) -> base::Result<void> {
        if (result) result = database.execute("COMMIT");
        if (!result && database.in_transaction()) static_cast<void>(database.execute("ROLLBACK"));
        return result;
    };
    const auto count = database.integer("SELECT count(*) FROM sqlite_master");
    if (!count) return finish(count.error());
    if (*count == 0) return finish(set_up(database));
    auto checked = check_schema(database);
    return finish(checked ? add_missing_columns(database) : checked);
}

}  // namespace llmsnoop::exporters::store
