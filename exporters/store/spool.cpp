#include "exporters/store/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "agent/base/fd.h"

namespace llmsnoop::exporters::store {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 20;
constexpr const char* kSuffix = ".jsonl";
constexpr const char* kUnfinished = "unfinished";

bool write_all(int fd, const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const ssize_t done = ::write(fd, text.data() + at, text.size() - at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += static_cast<std::size_t>(done);
    }
    return true;
}

}  // namespace

base::Result<Spool> Spool::open(SpoolOptions options) {
    Spool out;
    out.options_ = std::move(options);
    const fs::path directory = out.options_.directory;
    std::error_code problem;
    const bool is_new = fs::create_directories(directory, problem);
    if (problem) return base::error("spool " + directory.string() + " cannot be made: " + problem.message());
    if (is_new) fs::permissions(directory, fs::perms(0750), problem);
    for (fs::directory_iterator at(directory, problem), end; !problem && at != end; at.increment(problem)) {
        const std::string name = at->path().filename().string();
        std::uint64_t number = 0;
        const auto [digits, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (wrong != std::errc() || digits != name.data() + kDigits || name.substr(kDigits) != kSuffix) continue;
        std::error_code unknown;
        const auto size = fs::file_size(at->path(), unknown);
        if (unknown) continue;
        out.files_.push_back({name, size});
        out.bytes_ += size;
        out.last_ = std::max(out.last_, number);
    }
    if (problem) return base::error("spool " + directory.string() + ": " + problem.message());
    std::sort(out.files_.begin(), out.files_.end(), [](const File& a, const File& b) { return a.name < b.name; });
    return out;
}

base::Result<void> Spool::add(const std::string& batch) {
    const std::string& directory = options_.directory;
    if (bytes_ + batch.size() > options_.most_bytes)
        return base::error("spool " + directory + " is full (store.spool_bytes)");
    const std::string unfinished = directory + "/" + kUnfinished;
    const std::string name = fmt::format("{:020}{}", last_ + 1, kSuffix);
    const base::Fd fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    // On the disk before it has its name: whatever happens, a file with a name is whole.
    if (!fd || !write_all(fd.get(), batch) || ::fsync(fd.get()) != 0 ||
        std::rename(unfinished.c_str(), (directory + "/" + name).c_str()) != 0) {
        const base::Error error = base::system_error("spool " + directory);
        ::unlink(unfinished.c_str());
        return error;
    }
    ++last_;
    files_.push_back({name, batch.size()});
    bytes_ += batch.size();
    return {};
}

base::Result<std::optional<std::string>> Spool::oldest() const {
    const std::string path = options_.directory + "/" + files_.front().name;
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return std::optional<std::string>();
    if (!fd) return base::system_error("spool " + path);
    std::string text(files_.front().bytes, '\0');
    std::size_t at = 0;
    while (at < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + at, text.size() - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::system_error("spool " + path);
        if (got == 0) return std::optional<std::string>();
        at += static_cast<std::size_t>(got);
    }
    return std::optional(std::move(text));
}

void Spool::remove_oldest() {
    ::unlink((options_.directory + "/" + files_.front().name).c_str());
    bytes_ -= files_.front().bytes;
    files_.pop_front();
}

}  // namespace llmsnoop::exporters::store
