#include "agent/attribution/host_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace llmsnoop::attribution {

namespace {

base::Fd open_below(const std::string& root, const std::string& path, int flags) {
    const base::Fd top(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!top) return {};
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return base::Fd(static_cast<int>(syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof how)));
}

}  // namespace

std::optional<std::string> read_below(const std::string& root, const std::string& path, std::size_t limit,
                                      std::optional<std::uint32_t> owner) {
    // Not blocking: what stands there may be a pipe without a writer.
    const base::Fd file = open_below(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat about {};
    if (!file || fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
    if (owner && about.st_uid != *owner) return std::nullopt;
    if (about.st_size < 0 || static_cast<std::size_t>(about.st_size) > limit) return std::nullopt;
    // It may grow while it is read; one byte more than the limit shows that it is too long.
    std::string out;
    std::size_t chunk = static_cast<std::size_t>(about.st_size) + 1;
    while (out.size() <= limit) {
        const std::size_t before = out.size();
        out.resize(before + chunk);
        const ssize_t count = read(file.get(), out.data() + before, chunk);
        out.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
        if (count == 0) return out;
        if (count < 0 && errno != EINTR) return std::nullopt;
        chunk = 4096;
    }
    return std::nullopt;
}

base::Fd open_socket_below(const std::string& root, const std::string& path, struct stat& about) {
    base::Fd out = open_below(root, path, O_PATH);
    if (!out || fstat(out.get(), &about) != 0 || !S_ISSOCK(about.st_mode)) return {};
    return out;
}

std::vector<std::string> list_below(const std::string& root, const std::string& path, std::size_t limit) {
    std::vector<std::string> out;
    base::Fd directory = open_below(root, path, O_RDONLY | O_DIRECTORY);
    if (!directory) return out;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(directory.get()), closedir);
    if (!entries) return out;
    directory.release();
    while (out.size() < limit) {
        const dirent* entry = readdir(entries.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    return out;
}

}  // namespace llmsnoop::attribution
