#include "exporters/store/sqlite_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "exporters/store/sqlite_schema.h"

namespace llmsnoop::exporters::store {

namespace {

// A slice of the work of retention: some milliseconds, many times less than a flush interval.
constexpr std::int64_t kDeleteSlice = 500;
constexpr int kMostSlices = 40;
constexpr auto kSliceTime = std::chrono::milliseconds(100);

// auto_vacuum stands before the first table, or it has no effect. A log of 16 MiB at most stays behind after a burst.
constexpr const char* kPragmas =
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA journal_size_limit = 16777216;"
    "PRAGMA cache_size = -8192;";

// Empty, not there, or with the first bytes of all SQLite files (https://www.sqlite.org/fileformat.html section 1.2).
bool may_be_data_base(const std::string& path) {
    std::array<char, 16> head{};
    std::ifstream file(path, std::ios::binary);
    file.read(head.data(), head.size());
    return file.gcount() == 0 ||
           std::string_view(head.data(), head.size()) == std::string_view("SQLite format 3\0", 16);
}

std::string insert_sql() {
    std::string names;
    std::string marks;
    std::string updates;
    for (const Column& column : kColumns) {
        const std::string name(column.name);
        names += (names.empty() ? "" : ", ") + name;
        marks += marks.empty() ? "?" : ", ?";
        if (name != "id") updates += (updates.empty() ? "" : ", ") + name + " = excluded." + name;
    }
    return "INSERT INTO exchange (" + names + ") VALUES (" + marks + ") ON CONFLICT (id) DO UPDATE SET " + updates +
           " RETURNING seq";
}

// SQLite would make it readable by everybody; -wal and -shm take the mode of the file.
base::Result<void> make_file(const std::string& path) {
    const base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (!file) return base::system_error("store " + path);
    return {};
}

std::uint64_t inode_of(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

std::string stamp() {
    std::string text = base::rfc3339(base::now());
    text.resize(19);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + "Z";
}

}  // namespace

base::Result<std::unique_ptr<SqliteWriter>> SqliteWriter::create(SqliteOptions options) {
    std::unique_ptr<SqliteWriter> writer(new SqliteWriter(std::move(options)));
    const std::string& path = writer->options_.path;
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    std::error_code problem;
    if (!directory.empty() && !std::filesystem::exists(directory, problem)) {
        std::filesystem::create_directories(directory, problem);
        if (problem) return base::error("store: " + directory.string() + " cannot be made: " + problem.message());
        std::filesystem::permissions(directory, std::filesystem::perms(0750), problem);
    }
    if (auto made = make_file(path); !made) return made.error();
    if (auto opened = writer->open(); !opened && opened.error().kind == base::Error::Kind::unsupported)
        return opened.error();
    return writer;
}

SqliteWriter::SqliteWriter(SqliteOptions options) : options_(std::move(options)) {}

// Leaves either an open data base with all statements, or none.
base::Result<void> SqliteWriter::open() {
    if (auto made = make_file(options_.path); !made) return made;
    if (!may_be_data_base(options_.path))
        return base::error(options_.path + " is no data base, and is left as it is", base::Error::Kind::unsupported);
    auto opened = Database::open(options_.path, Database::Mode::create, options_.busy_timeout);
    if (!opened) return opened.error();
    database_ = std::move(*opened);
    // Before anything is set, which would change another program's file.
    const auto tables = database_.integer("SELECT count(*) FROM sqlite_master");
    base::Result<void> ready = tables ? base::Result<void>() : tables.error();
    if (ready && *tables != 0) ready = check_schema(database_);
    if (ready) ready = database_.execute(kPragmas);
    if (ready) ready = prepare_schema(database_);
    if (ready) ready = prepare_statements();
    if (!ready) {
        const auto failure = database_.failure();
        close();
        if (failure == SqliteFailure::corrupt && ready.error().kind != base::Error::Kind::unsupported) move_aside();
        return ready;
    }
    inode_ = inode_of(options_.path);
    return {};
}

base::Result<void> SqliteWriter::prepare_statements() {
    const std::string oldest = "(SELECT seq FROM exchange WHERE time_ns < ? ORDER BY time_ns LIMIT ?)";
    const std::pair<Statement*, std::string> all[] = {
        {&insert_, insert_sql()},
        {&insert_line_, "INSERT OR REPLACE INTO record (seq, line) VALUES (?, ?)"},
        {&delete_lines_, "DELETE FROM record WHERE seq IN " + oldest},
        {&delete_, "DELETE FROM exchange WHERE seq IN " + oldest},
    };
    for (const auto& [statement, sql] : all) {
        auto prepared = database_.prepare(sql);
        if (!prepared) return prepared.error();
        *statement = std::move(*prepared);
    }
    return {};
}

// After it nothing is half done.
base::Error SqliteWriter::failed(base::Error error) {
    const SqliteFailure failure = database_.failure();
    for (Statement* statement : {&insert_, &insert_line_, &delete_, &delete_lines_}) {
        if (*statement) statement->reset();
    }
    if (database_.in_transaction()) static_cast<void>(database_.execute("ROLLBACK"));
    if (failure == SqliteFailure::busy || failure == SqliteFailure::full) return error;
    // Anything else may be wrong with this connection for good.
    close();
    if (failure == SqliteFailure::corrupt) move_aside();
    return error;
}

void SqliteWriter::close() {
    for (Statement* statement : {&insert_, &insert_line_, &delete_, &delete_lines_})
        *statement = Statement();
    database_ = Database();
}

void SqliteWriter::move_aside() {
    const std::string aside = options_.path + ".corrupt-" + stamp();
    for (const char* suffix : {"-wal", "-shm", ""})
        static_cast<void>(std::rename((options_.path + suffix).c_str(), (aside + suffix).c_str()));
    base::log::error("store {}: the file is damaged; it is now {}, and a new one begins", options_.path, aside);
}

bool SqliteWriter::was_replaced() const {
    return inode_of(options_.path) != inode_;
}

base::Result<void> SqliteWriter::write(const std::deque<StoredRecord>& records, std::size_t count) {
    // Somebody deleted or moved the file: what is written to the old one nobody would find.
    if (database_ && was_replaced()) close();
    if (!database_) {
        auto opened = open();
        if (!opened && !inode_of(options_.path)) opened = open();  // it was moved aside just now
        if (!opened) return opened;
    }
    auto written = transaction(records, count);
    if (written) make_room(static_cast<std::int64_t>(count));
    return written;
}

// What is written beyond the limit is deleted at the other end at once: on a busy machine maintain(), which has but a
// moment now and then, would not keep up. Should it fail, maintain() tries again, and tells.
void SqliteWriter::make_room(std::int64_t count) {
    while (options_.max_bytes != 0 && database_ && count > 0) {
        const auto before = deletable_before();
        const auto deleted = before && *before ? delete_oldest(**before) : base::Result<std::int64_t>(0);
        if (!before) static_cast<void>(failed(before.error()));
        if (!deleted) static_cast<void>(failed(deleted.error()));
        if (!before || !deleted || *deleted == 0) return;
        count -= *deleted;
    }
}

base::Result<void> SqliteWriter::transaction(const std::deque<StoredRecord>& records, std::size_t count) {
    if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return failed(begun.error());
    for (std::size_t i = 0; i < count; ++i) {
        if (auto inserted = insert(records[i]); !inserted) return inserted;
    }
    auto committed = database_.execute("COMMIT");
    return committed ? committed : failed(committed.error());
}

base::Result<void> SqliteWriter::insert(const StoredRecord& record) {
    for (std::size_t i = 0; i < record.row.size(); ++i)
        insert_.bind(static_cast<int>(i) + 1, record.row[i]);
    if (insert_.step() != Statement::Step::row) return failed(database_.error());
    const std::int64_t seq = insert_.integer(0);
    if (insert_.step() != Statement::Step::done) return failed(database_.error());
    insert_.reset();
    if (!options_.keep_records) return {};
    const Value line = record.line;
    insert_line_.bind(1, seq);
    insert_line_.bind(2, line);
    if (insert_line_.step() != Statement::Step::done) return failed(database_.error());
    insert_line_.reset();
    return {};
}

base::Result<void> SqliteWriter::maintain() {
    if (!database_) return {};
    const auto until = std::chrono::steady_clock::now() + kSliceTime;
    bool deleted = false;
    for (int slice = 0; slice < kMostSlices && std::chrono::steady_clock::now() < until; ++slice) {
        const auto before = deletable_before();
        if (!before) return failed(before.error());
        if (!*before) break;
        const auto count = delete_oldest(**before);
        if (!count) return failed(count.error());
        deleted = true;
        if (*count == 0) break;
    }
    // Pages that became free go back to the file system, some at a time.
    if (!deleted) return {};
    auto shrunk = database_.execute("PRAGMA incremental_vacuum(2000)");
    return shrunk ? shrunk : failed(shrunk.error());
}

// By age what is too old; by size the oldest, whatever its age. Nothing, if all may stay.
base::Result<std::optional<std::int64_t>> SqliteWriter::deletable_before() {
    if (options_.max_bytes != 0) {
        const auto pages = database_.integer("PRAGMA page_count");
        if (!pages) return pages.error();
        const auto free = database_.integer("PRAGMA freelist_count");
        if (!free) return free.error();
        const auto size = database_.integer("PRAGMA page_size");
        if (!size) return size.error();
        // Free pages are used again before the file grows.
        const auto used = static_cast<std::uint64_t>((*pages - *free) * *size);
        if (used > options_.max_bytes) return std::optional(std::numeric_limits<std::int64_t>::max());
    }
    if (options_.keep_for.count() > 0) {
        const auto oldest = database_.integer("SELECT min(time_ns) FROM exchange");
        if (!oldest) return oldest.error();
        const std::int64_t before = base::unix_ns(options_.clock() - options_.keep_for);
        if (*oldest != 0 && *oldest < before) return std::optional(before);
    }
    return std::optional<std::int64_t>();
}

base::Result<std::int64_t> SqliteWriter::delete_oldest(std::int64_t before_ns) {
    if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    for (Statement* statement : {&delete_lines_, &delete_}) {
        statement->bind(1, before_ns);
        statement->bind(2, kDeleteSlice);
        if (statement->step() != Statement::Step::done) return database_.error();
        statement->reset();
    }
    const std::int64_t deleted = database_.changes();
    if (auto committed = database_.execute("COMMIT"); !committed) return committed.error();
    return deleted;
}

}  // namespace llmsnoop::exporters::store
