#include "agent/capture/packet_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace llmsnoop::capture {

namespace {

constexpr std::size_t kBuffer = 256U << 10;

int poll_milliseconds(base::Duration wait) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 0, INT_MAX));
}

}  // namespace

Input::Input(base::Fd fd, bool regular, std::string name)
    : fd_(std::move(fd)), regular_(regular), name_(std::move(name)), raw_(kBuffer) {}

base::Result<Input> Input::open(const std::string& path) {
    const bool standard = path == "-";
    std::string name = standard ? "standard input" : path;
    base::Fd fd(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return base::system_error(name);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return base::system_error(name);
    if (S_ISDIR(status.st_mode)) return base::system_error(name, EISDIR);
    return Input(std::move(fd), S_ISREG(status.st_mode), std::move(name));
}

// Reads into raw_ behind what is there.
base::Result<Input::State> Input::fill(base::Duration wait) {
    if (!regular_) {
        pollfd ready{fd_.get(), POLLIN, 0};
        const int count = ::poll(&ready, 1, poll_milliseconds(wait));
        if (count == 0 || (count < 0 && errno == EINTR)) return State::nothing;
        if (count < 0) return base::system_error(name_);
    }
    const ssize_t count = ::read(fd_.get(), raw_.data() + raw_size_, raw_.size() - raw_size_);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return State::nothing;
    if (count < 0) return base::system_error(name_);
    if (count == 0) ended_ = true;
    raw_size_ += static_cast<std::size_t>(count);
    return count == 0 ? State::end : State::data;
}

base::Result<Input::Piece> Input::read(base::Duration wait) {
    for (;;) {
        if (unpacker_) {
            const base::Bytes bytes = unpacker_->unpack(&raw_left_);
            if (!bytes.empty()) return Piece{State::data, bytes};
            if (unpacker_->broken()) return Piece{State::cut_short, {}};
        }
        if (ended_) return Piece{unpacker_ && unpacker_->in_the_middle() ? State::cut_short : State::end, {}};
        if (unpacker_) raw_size_ = 0;  // all of it has been handed on
        auto state = fill(wait);
        if (!state) return state.error();
        if (*state == State::nothing) return Piece{};
        const base::Bytes raw = base::Bytes(raw_).first(raw_size_);
        if (!unpacker_ && (raw.size() >= Unpacker::kMagic || ended_)) unpacker_.emplace(Unpacker::coding_of(raw));
        if (unpacker_) raw_left_ = raw;
    }
}

}  // namespace llmsnoop::capture
