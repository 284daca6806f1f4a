#include "exporters/audit/audit_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <tuple>

#include "agent/base/fd.h"

namespace llmsnoop::exporters {

namespace {

constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".jsonl";

// A line is a record, and the policy gate bounds those; what is longer is not read.
constexpr std::uint64_t kFirstTail = 64U << 10;
constexpr std::uint64_t kLongestTail = 64U << 20;

bool is_stamp(std::string_view text) {
    static constexpr std::string_view kForm = "00000000T000000Z";
    return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char have, char want) {
               return want == '0' ? have >= '0' && have <= '9' : have == want;
           });
}

// Of a text that is_stamp: YYYYMMDDTHHMMSSZ. Dates that do not exist give some time nearby.
base::Time time_of_stamp(std::string_view stamp) {
    const auto number = [&](std::size_t at, std::size_t size) {
        int value = 0;
        std::from_chars(stamp.data() + at, stamp.data() + at + size, value);
        return value;
    };
    const std::chrono::sys_days day(std::chrono::year(number(0, 4)) / number(4, 2) / number(6, 2));
    return base::Time(day) + std::chrono::hours(number(9, 2)) + std::chrono::minutes(number(11, 2)) +
           std::chrono::seconds(number(13, 2));
}

bool parse_name(std::string_view name, AuditFile& file) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
    name.remove_prefix(kPrefix.size());
    name.remove_suffix(kSuffix.size());
    const std::size_t dash = name.find('-');
    file.stamp = name.substr(0, dash);
    if (!is_stamp(file.stamp)) return false;
    file.begun = time_of_stamp(file.stamp);
    if (dash == std::string_view::npos) return true;
    const std::string_view number = name.substr(dash + 1);
    const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), file.number);
    return problem == std::errc() && end == number.data() + number.size();
}

base::Result<std::string> read_end(const base::Fd& fd, const std::string& path, std::uint64_t size,
                                   std::uint64_t wanted) {
    std::string text(std::min(size, wanted), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const auto offset = static_cast<off_t>(size - text.size() + done);
        const ssize_t got = ::pread(fd.get(), text.data() + done, text.size() - done, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::system_error(path);
        if (got == 0) break;  // somebody shortened it
        done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
}

}  // namespace

std::string audit_stamp(base::Time time) {
    const std::string text = base::rfc3339(time);  // 2026-11-20T10:38:00.123456789Z
    std::string stamp;
    for (const char byte : text.substr(0, 19)) {
        if (byte != '-' && byte != ':') stamp.push_back(byte);
    }
    return stamp + "Z";
}

std::string audit_path(std::string_view directory, std::string_view stamp, std::uint32_t number) {
    std::string path(directory);
    path.append("/").append(kPrefix).append(stamp);
    if (number != 0) path.append("-").append(std::to_string(number));
    return path.append(kSuffix);
}

base::Result<std::vector<AuditFile>> list_audit_files(const std::string& directory) {
    std::vector<AuditFile> files;
    std::error_code problem;
    std::filesystem::directory_iterator at(directory, problem);
    for (; !problem && at != std::filesystem::directory_iterator(); at.increment(problem)) {
        AuditFile file;
        if (!parse_name(at->path().filename().string(), file)) continue;
        std::error_code gone;  // between two reads of the directory
        if (at->is_symlink(gone) || !at->is_regular_file(gone) || gone) continue;
        file.bytes = at->file_size(gone);
        if (gone) continue;
        file.path = at->path().string();
        files.push_back(std::move(file));
    }
    if (problem) return base::system_error(directory, problem.value());
    std::sort(files.begin(), files.end(), [](const AuditFile& a, const AuditFile& b) {
        return std::tie(a.stamp, a.number) < std::tie(b.stamp, b.number);
    });
    return files;
}

base::Result<AuditTail> read_audit_tail(const std::string& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat facts {};
    if (!fd || ::fstat(fd.get(), &facts) != 0) return base::system_error(path);
    const auto size = static_cast<std::uint64_t>(facts.st_size);

    AuditTail tail;
    for (std::uint64_t wanted = kFirstTail;; wanted *= 8) {
        const auto text = read_end(fd, path, size, wanted);
        if (!text) return text.error();
        std::string_view rest = *text;
        tail.torn = !rest.empty() && rest.back() != '\n';
        rest = rest.substr(0, rest.rfind('\n') + 1);
        while (!rest.empty()) {
            rest.remove_suffix(1);
            const std::size_t begin = rest.rfind('\n') + 1;
            tail.last = read_link(rest.substr(begin));
            if (tail.last) return tail;
            rest = rest.substr(0, begin);
            tail.torn = true;  // a whole line that is none of ours
        }
        if (text->size() == size || wanted >= kLongestTail) return tail;
    }
}

}  // namespace llmsnoop::exporters
