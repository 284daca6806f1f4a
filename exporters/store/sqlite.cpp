#include "exporters/store/sqlite.h"

#include <sqlite3.h>

#include <chrono>
#include <utility>

namespace llmsnoop::exporters::store {

namespace {

constexpr int kProgressSteps = 10'000;  // virtual machine instructions between two looks at the clock

std::int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

int past_deadline(void* deadline) {
    return steady_ns() >= *static_cast<const std::int64_t*>(deadline) ? 1 : 0;
}

// As a URI, in which only a few bytes have a meaning.
std::string uri_of(const std::string& path, const char* parameters) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out = "file:";
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#') {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        } else {
            out.push_back(c);
        }
    }
    return out + parameters;
}

SqliteFailure failure_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
            return SqliteFailure::none;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return SqliteFailure::busy;
        case SQLITE_FULL:
            return SqliteFailure::full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return SqliteFailure::corrupt;
        case SQLITE_INTERRUPT:
            return SqliteFailure::interrupted;
        default:
            return SqliteFailure::io;
    }
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Statement::bind(int index, const Value& value) {
    sqlite3_stmt* const statement = statement_.get();
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
        sqlite3_bind_double(statement, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
        sqlite3_bind_null(statement, index);
    }
}

Statement::Step Statement::step() {
    const int code = sqlite3_step(statement_.get());
    return code == SQLITE_ROW ? Step::row : code == SQLITE_DONE ? Step::done : Step::failed;
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return data == nullptr ? std::string_view() : std::string_view(data, size);
}

void Database::Closer::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

base::Result<Database> Database::open(const std::string& path, Mode mode, base::Duration busy_timeout) {
    const int flags = mode == Mode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    return open_with(path, path, flags, busy_timeout);
}

base::Result<Database> Database::open_immutable(const std::string& path) {
    return open_with(path, uri_of(path, "?immutable=1"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, base::Duration(0));
}

base::Result<Database> Database::open_with(const std::string& path, const std::string& name, int flags,
                                           base::Duration busy_timeout) {
    Database out;
    out.path_ = path;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    out.handle_.reset(handle);
    if (code != SQLITE_OK) return out.error();
    sqlite3_extended_result_codes(handle, 1);
    const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(busy_timeout);
    sqlite3_busy_timeout(handle, static_cast<int>(timeout.count()));
    // The file may be somebody else's: what its schema says must not do more than a query.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return out;
}

base::Result<void> Database::execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
    return {};
}

base::Result<Statement> Database::prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v2(handle_.get(), sql.c_str(), static_cast<int>(sql.size()) + 1, &statement, nullptr);
    if (code != SQLITE_OK) return error();
    return Statement(statement);
}

base::Result<std::int64_t> Database::integer(const char* sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    const auto step = statement->step();
    if (step == Statement::Step::failed) return error();
    return step == Statement::Step::row ? statement->integer(0) : 0;
}

base::Error Database::error() {
    failure_ = handle_ ? failure_of(sqlite3_errcode(handle_.get())) : SqliteFailure::io;
    return base::error("store " + path_ + ": " + (handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory"));
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_.get()) == 0;
}

int Database::changes() const {
    return sqlite3_changes(handle_.get());
}

void Database::set_deadline(base::Duration from_now) {
    deadline_ = std::make_unique<std::int64_t>(steady_ns() + from_now.count());
    sqlite3_progress_handler(handle_.get(), kProgressSteps, &past_deadline, deadline_.get());
}

}  // namespace llmsnoop::exporters::store
