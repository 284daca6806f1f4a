#pragma once
// SQLite without its ownership rules: a connection and its prepared statements close themselves, and what fails is a
// base::Error with SQLite's code. A connection and its statements belong to one thread at a time.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "exporters/store/value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace llmsnoop::exporters::store {

// What the writer does about a failure follows from its kind.
enum class SqliteFailure : std::uint8_t {
    none,
    busy,     // somebody else holds the lock: again later
    full,     // no room: again later
    corrupt,  // the file is no data base, or a damaged one
    io,       // everything else that may pass: permissions, I/O errors, a file that is gone
    interrupted
};

class Statement {
 public:
    Statement() = default;
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

    void bind(int index, const Value& value);  // from 1; the text must live until the statement is reset
    enum class Step : std::uint8_t { row, done, failed };
    Step step();
    void reset();

    // Of the current row, from 0. A view lives until the next step.
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string_view text(int column) const;

    explicit operator bool() const { return statement_ != nullptr; }

 private:
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class Database {
 public:
    enum class Mode : std::uint8_t { create, read_only };

    // `busy_timeout`: how long a statement waits for a lock.
    static base::Result<Database> open(const std::string& path, Mode mode, base::Duration busy_timeout);

    // Of a file that nobody writes to: without locks, and without the -wal and -shm beside it.
    static base::Result<Database> open_immutable(const std::string& path);

    Database() = default;

    base::Result<void> execute(const char* sql);  // one or several statements without results
    base::Result<Statement> prepare(const std::string& sql);
    base::Result<std::int64_t> integer(const char* sql);  // the first column of the first row

    // Of the call that failed last: "store PATH: what SQLite says".
    base::Error error();
    SqliteFailure failure() const { return failure_; }
    bool in_transaction() const;
    int changes() const;
    const std::string& path() const { return path_; }
    sqlite3* handle() const { return handle_.get(); }
    explicit operator bool() const { return handle_ != nullptr; }

    // Statements that take longer fail as `interrupted`.
    void set_deadline(base::Duration from_now);

 private:
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    static base::Result<Database> open_with(const std::string& path, const std::string& name, int flags,
                                            base::Duration busy_timeout);

    std::string path_;
    SqliteFailure failure_ = SqliteFailure::none;
    std::unique_ptr<std::int64_t> deadline_;  // steady clock, ns; SQLite's callback keeps its address
    std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace llmsnoop::exporters::store
