#include "agent/capture/live/file_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace llmsnoop::capture::live {

namespace {

// What the handler knows. It can run on any thread at any time, so these are plain atomics, and a slot is claimed by
// its `begin`.
struct Guarded {
    std::atomic<std::uintptr_t> begin{0}, end{0};
    std::atomic<bool> torn{false};
};
constexpr std::size_t kSlots = 64;  // images at one time: one for each thread that looks at files
std::array<Guarded, kSlots> guarded;
constexpr std::uintptr_t kClaimed = 1;  // no mapping begins there

struct sigaction previous;  // NOLINT(readability-identifier-naming): the system's name for both

// Puts zeros from the page at fault to the end of its image. mmap is a bare system call and safe in a handler.
bool fill_in(char* fault) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto at = reinterpret_cast<std::uintptr_t>(fault);
    for (Guarded& one : guarded) {
        const std::uintptr_t begin = one.begin.load();
        if (begin <= kClaimed || at < begin || at >= one.end.load()) continue;
        char* from = fault - at % page;
        one.torn.store(true);
        return mmap(from, one.end.load() - reinterpret_cast<std::uintptr_t>(from), PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
    }
    return false;
}

void on_bus_error(int number, siginfo_t* info, void* context) {
    const int saved = errno;
    if (fill_in(static_cast<char*>(info->si_addr))) {
        errno = saved;
        return;
    }
    if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
        previous.sa_sigaction(number, info, context);
    } else {
        sigaction(SIGBUS, &previous, nullptr);  // the instruction is tried again, and meets whoever was there before
    }
    errno = saved;
}

void install_handler() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction action {};
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &previous);
    });
}

int claim_slot(std::uintptr_t begin, std::uintptr_t end) {
    for (std::size_t i = 0; i < kSlots; ++i) {
        std::uintptr_t expected = 0;
        if (!guarded[i].begin.compare_exchange_strong(expected, kClaimed)) continue;
        guarded[i].torn.store(false);
        guarded[i].end.store(end);
        guarded[i].begin.store(begin);
        return static_cast<int>(i);
    }
    return -1;
}

}  // namespace

bool FileImage::Stamp::operator==(const Stamp& other) const {
    const auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return size == other.size && same(modified, other.modified) && same(changed, other.changed);
}

bool FileImage::read_stamp(int fd, Stamp& out) {
    struct stat info {};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    out = {info.st_size, info.st_mtim, info.st_ctim};
    return true;
}

base::Result<std::unique_ptr<FileImage>> FileImage::open(const std::string& path) {
    install_handler();
    std::unique_ptr<FileImage> out(new FileImage);
    // Not to wait for the other end of a pipe, should the path lead to one.
    out->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (out->fd_ < 0) return base::system_error(path);
    if (!read_stamp(out->fd_, out->stamp_) || out->stamp_.size <= 0)
        return base::error(path + ": not a file with data");
    const auto size = static_cast<std::size_t>(out->stamp_.size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, out->fd_, 0);
    if (memory == MAP_FAILED) return base::system_error(path + ": mmap");
    out->bytes_ = {static_cast<const std::uint8_t*>(memory), size};
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    out->slot_ = claim_slot(begin, begin + size);
    if (out->slot_ < 0) return base::error(path + ": too many files are looked at");
    return out;
}

FileImage::~FileImage() {
    // Before the mapping goes: somebody else's may come to lie at this address.
    if (slot_ >= 0) guarded[static_cast<std::size_t>(slot_)].begin.store(0);
    if (!bytes_.empty()) munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
    if (fd_ >= 0) close(fd_);
}

bool FileImage::intact() const {
    Stamp now;
    return !guarded[static_cast<std::size_t>(slot_)].torn.load() && read_stamp(fd_, now) && now == stamp_;
}

}  // namespace llmsnoop::capture::live
