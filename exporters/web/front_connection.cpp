#include "exporters/web/front_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace llmsnoop::exporters {

namespace {

using Outcome = Channel::Outcome;

constexpr std::size_t kBuffer = 16384;
constexpr std::size_t kLongestHead = 16383;  // what the server behind can read, too
constexpr std::size_t kMostDiscarded = 1U << 20;
constexpr auto kFarewell = std::chrono::seconds(2);
constexpr int kTurns = 16;  // before others have theirs

// False: it is not there yet. Its end is where the server behind sees it: were that later, silence could occupy it.
bool cut_after_head(std::string& text, std::size_t from) {
    from = from < 3 ? 0 : from - 3;
    const std::size_t proper = text.find("\r\n\r\n", from);
    const std::size_t bare = text.find("\n\n", from);
    if (proper == std::string::npos && bare == std::string::npos) return false;
    text.resize(proper < bare ? proper + 4 : bare + 2);
    return true;
}

}  // namespace

FrontConnection::FrontConnection(Channel channel, std::uint64_t peer, const Options& options)
    : channel_(std::move(channel)), peer_(peer), options_(options) {
    enter(channel_.is_tls() ? Stage::handshake : Stage::head);
}

void FrontConnection::enter(Stage stage) {
    stage_ = stage;
    entered_ = Clock::now();
    deadline_ = Clock::now() + options_.timeout;
    if (stage == Stage::relay) deadline_.reset();  // the server behind has limits of its own
    if (stage == Stage::farewell) deadline_ = Clock::now() + std::min<Clock::duration>(kFarewell, options_.timeout);
}

void FrontConnection::advance() {
    client_events_ = 0;
    server_events_ = 0;
    more_ = false;
    if (stage_ == Stage::handshake) shake_hands();
    if (stage_ == Stage::head) read_head();
    if (stage_ == Stage::relay) relay();
    if (stage_ == Stage::farewell) say_farewell();
}

void FrontConnection::shake_hands() {
    const auto step = channel_.handshake();
    switch (step.outcome) {
        case Outcome::moved:
            return enter(Stage::head);
        case Outcome::wants_read:
            client_events_ = POLLIN;
            return;
        case Outcome::wants_write:
            client_events_ = POLLOUT;
            return;
        case Outcome::ended:
        case Outcome::broken:
            options_.refusals->add(Refusal::handshake_failed);
            return finish();  // it may hear why
    }
}

void FrontConnection::read_head() {
    while (in_.size() < kLongestHead) {
        const std::size_t before = in_.size();
        in_.resize(kLongestHead);
        const auto step = channel_.read({in_.data() + before, kLongestHead - before});
        in_.resize(before + step.bytes);
        switch (step.outcome) {
            case Outcome::moved:
                if (!cut_after_head(in_, before)) continue;
                return enter(Stage::waiting);
            case Outcome::wants_read:
                client_events_ = POLLIN;
                return;
            case Outcome::wants_write:
                client_events_ = POLLOUT;
                return;
            case Outcome::ended:  // it asks no more; perhaps it hears what was wrong with that
                return in_.empty() ? end() : enter(Stage::waiting);
            case Outcome::broken:
                return end();
        }
    }
    answer(options_.answers.too_long);
}

void FrontConnection::serve(base::Fd server) {
    server_ = std::move(server);
    enter(Stage::relay);
}

void FrontConnection::relay() {
    for (int turn = 0; turn < kTurns; ++turn) {
        client_events_ = 0;
        server_events_ = 0;
        bool moved = write_server();
        moved |= read_server();
        moved |= write_client();
        if (stage_ != Stage::relay || !moved) return;
    }
    more_ = true;
}

// After the head comes the end, as the server behind sees it: it cannot be made to wait for a body.
bool FrontConnection::write_server() {
    if (in_.empty()) return false;
    const ssize_t sent = ::send(server_.get(), in_.data(), in_.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        server_events_ |= POLLOUT;
        return false;
    }
    in_.erase(0,
              sent > 0 ? static_cast<std::size_t>(sent) : in_.size());  // if it reads no more, its answer may be there
    if (in_.empty()) ::shutdown(server_.get(), SHUT_WR);
    return true;
}

bool FrontConnection::read_server() {
    if (out_closed_ || !out_.empty()) return false;
    out_.resize(kBuffer);
    const ssize_t got = ::recv(server_.get(), out_.data(), out_.size(), 0);
    out_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    out_begin_ = 0;
    if (got > 0) {
        filled_ = Clock::now();
        deadline_ = filled_ + options_.timeout;
        return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        server_events_ |= POLLIN;
        return false;
    }
    out_closed_ = true;
    return true;
}

// A buffer is taken in time as a whole, or it is too slow: a byte now and then does not help.
bool FrontConnection::write_client() {
    if (out_.empty()) {
        if (out_closed_) {
            server_.reset();
            finish();
        }
        return false;
    }
    const auto step = channel_.write({out_.data() + out_begin_, out_.size() - out_begin_});
    switch (step.outcome) {
        case Outcome::moved:
            out_begin_ += step.bytes;
            if (out_begin_ == out_.size()) {
                out_.clear();
                deadline_.reset();
            }
            return true;
        case Outcome::wants_read:
            client_events_ |= POLLIN;
            return false;
        case Outcome::wants_write:
            client_events_ |= POLLOUT;
            return false;
        case Outcome::ended:
        case Outcome::broken:
            end();
            return false;
    }
    return false;
}

void FrontConnection::finish() {
    channel_.finish();
    enter(Stage::farewell);
}

void FrontConnection::say_farewell() {
    client_events_ = 0;
    server_events_ = 0;
    while (discarded_ < kMostDiscarded) {
        const auto step = channel_.discard();
        discarded_ += step.bytes;
        if (step.outcome == Outcome::moved) continue;
        if (step.outcome != Outcome::wants_read) return end();
        client_events_ = POLLIN;
        return;
    }
    end();
}

void FrontConnection::answer(const std::string& text) {
    in_.clear();
    out_ = text;
    out_begin_ = 0;
    out_closed_ = true;
    enter(Stage::relay);
    deadline_ = Clock::now() + options_.timeout;
    advance();
}

void FrontConnection::expire() {
    switch (stage_) {
        case Stage::handshake:
            return refuse(Refusal::handshake_timeout);
        case Stage::head:
            if (in_.empty()) return refuse(Refusal::request_timeout);
            options_.refusals->add(Refusal::request_timeout);
            return answer(options_.answers.request_timeout);
        case Stage::waiting:
            options_.refusals->add(Refusal::busy);
            return answer(options_.answers.busy);
        case Stage::relay:
            return refuse(Refusal::slow_reader);
        case Stage::farewell:
        case Stage::over:
            return end();
    }
}

void FrontConnection::refuse(Refusal why) {
    options_.refusals->add(why);
    if (why == Refusal::slow_reader) channel_.abandon();
    end();
}

}  // namespace llmsnoop::exporters
