#include "exporters/audit/verify.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "agent/base/fd.h"
#include "exporters/audit/chain.h"

namespace llmsnoop::exporters {

namespace {

constexpr std::size_t kReadBytes = 1U << 20;
constexpr std::size_t kLongestLine = 64U << 20;

// Lines of a file, one after the other.
class LineReader {
 public:
    explicit LineReader(std::string path) : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {}

    bool is_open() const { return static_cast<bool>(fd_); }

    // The next line without its line feed; nothing at the end of the file.
    base::Result<std::optional<std::string_view>> next() {
        begin_ = end_;
        std::size_t searched = begin_;
        for (;;) {
            const std::size_t feed = buffer_.find('\n', searched);
            if (feed != std::string::npos) {
                end_ = feed + 1;
                return std::optional(std::string_view(buffer_).substr(begin_, feed - begin_));
            }
            buffer_.erase(0, begin_);
            begin_ = 0;
            end_ = 0;
            searched = buffer_.size();
            if (searched > kLongestLine) return base::error(path_ + ": a line is too long for an audit record");
            buffer_.resize(searched + kReadBytes);
            ssize_t got = 0;
            do {
                got = ::read(fd_.get(), buffer_.data() + searched, kReadBytes);
            } while (got < 0 && errno == EINTR);
            if (got < 0) return base::system_error(path_);
            buffer_.resize(searched + static_cast<std::size_t>(got));
            if (got == 0) return std::optional<std::string_view>();
        }
    }

    // After the end: the bytes that no line feed follows.
    std::uint64_t rest() const { return buffer_.size() - begin_; }

 private:
    std::string path_;
    base::Fd fd_;
    std::string buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// What is wrong with a line that follows `before` (nothing: it may begin anywhere); nothing if it is right.
std::optional<std::string> fault_of(std::string_view line, const std::optional<ChainLink>& link,
                                    const std::optional<ChainLink>& before) {
    if (!link) return "the line does not end in a chain member";
    if (link->hash != hash_of_line(line)) return "the line was changed: its hash is not that of its text";
    if (!before) {
        const bool first = link->seq == 1;
        if (first != (link->prev == chain_start())) return "the line says both that it is the first and that it is not";
        return std::nullopt;
    }
    if (link->seq <= before->seq) return fmt::format("number {} follows number {}", link->seq, before->seq);
    if (link->prev != before->hash) {
        return fmt::format("lines are missing, or were changed: number {} does not link to number {}", link->seq,
                           before->seq);
    }
    return std::nullopt;
}

base::Result<void> verify_file(const std::string& path, std::optional<ChainLink>& before, AuditReport& report) {
    AuditReport::File& file = report.files.emplace_back();
    file.path = path;
    LineReader reader(path);
    if (!reader.is_open()) return base::system_error(path);
    for (std::uint64_t number = 1;; ++number) {
        const auto line = reader.next();
        if (!line) return line.error();
        if (!*line) break;
        auto link = read_link(**line);
        if (auto fault = fault_of(**line, link, before)) {
            report.broken = AuditReport::Break{path, number, std::move(*fault)};
            return {};
        }
        if (before) report.lost += link->seq - before->seq - 1;
        if (file.records == 0) file.first_seq = link->seq;
        file.last_seq = link->seq;
        ++file.records;
        ++report.records;
        before = std::move(link);
    }
    file.torn_bytes = reader.rest();
    return {};
}

// The number of a file's first line that has one; of a file without: the highest, so that it comes last.
base::Result<std::uint64_t> first_number(const std::string& path) {
    LineReader reader(path);
    if (!reader.is_open()) return base::system_error(path);
    for (;;) {
        const auto line = reader.next();
        if (!line) return line.error();
        if (!*line) return UINT64_MAX;
        if (const auto link = read_link(**line)) return link->seq;
    }
}

}  // namespace

base::Result<AuditReport> verify_audit(const std::vector<std::string>& paths) {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (const std::string& path : paths) {
        const auto number = first_number(path);
        if (!number) return number.error();
        order.emplace_back(*number, path);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

    AuditReport report;
    std::optional<ChainLink> before;
    for (const auto& [number, path] : order) {
        if (auto read = verify_file(path, before, report); !read) return read.error();
        if (report.broken) break;
    }
    if (before) report.last_hash = before->hash;
    return report;
}

}  // namespace llmsnoop::exporters
