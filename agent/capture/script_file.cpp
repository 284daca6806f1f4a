#include "agent/capture/script_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/fd.h"

namespace llmsnoop::capture {

namespace {

constexpr std::size_t kMost = 512U << 20;
constexpr std::size_t kStep = 64U << 10;

}  // namespace

base::Result<std::string> read_script_file(const std::string& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return base::system_error(path);
    std::string out;
    for (;;) {
        const std::size_t had = out.size();
        if (had > kMost) return base::error(path + ": is too large");
        out.resize(had + kStep);
        const ssize_t count = ::read(fd.get(), out.data() + had, kStep);
        out.resize(had + (count > 0 ? static_cast<std::size_t>(count) : 0));
        if (count == 0) return out;
        if (count < 0 && errno != EINTR) return base::system_error(path);
    }
}

}  // namespace llmsnoop::capture
