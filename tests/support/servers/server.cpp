#include "tests/support/servers/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "tests/support/servers/desk.h"
#include "tests/support/servers/http2_session.h"
#include "tests/support/servers/session.h"

namespace llmsnoop::support {

namespace {

// RFC 9113 section 3.3: a client that knows beforehand that the server speaks HTTP/2 begins with its preface, of which
// no request of HTTP/1 has the first three bytes.
bool has_http2_preface(int fd) {
    constexpr std::string_view kBeginning = "PRI";
    char first[kBeginning.size()];
    const ssize_t got = recv(fd, first, sizeof first, MSG_PEEK | MSG_WAITALL);
    return got == static_cast<ssize_t>(sizeof first) && std::string_view(first, sizeof first) == kBeginning;
}

}  // namespace

void Server::run(int stop_fd) {
    for (;;) {
        pollfd ready[2] = {{stop_fd, POLLIN, 0}, {listener_.fd.get(), POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR) break;
        if (ready[0].revents != 0) break;
        if (ready[1].revents == 0) continue;
        base::Fd fd(accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (fd) start_session(std::move(fd));
    }
    stop_ = true;
    end_sessions();
}

void Server::start_session(base::Fd fd) {
    reap();
    ledger_.count_connection();
    const std::uint64_t number = ++connections_;
    const std::lock_guard lock(mutex_);
    Running& running = sessions_[number];
    running.fd = fd.get();
    running.thread = std::thread(&Server::serve, this, std::move(fd), number);
}

void Server::serve(base::Fd fd, std::uint64_t number) {
    Channel channel(std::move(fd), context_.get(), calls_);
    if (channel.handshake()) {
        if (answer(channel, number)) channel.say_goodbye();
    }
    ledger_.add_io(channel.counts());
    // Said before the descriptor is closed: afterwards its number may already be another connection's.
    const std::lock_guard lock(mutex_);
    sessions_[number].ended = true;
}

bool Server::answer(Channel& channel, std::uint64_t number) {
    Desk desk(ledger_, seeds_, peer_port(channel.fd()), number);
    if (channel.protocol() == "h2" || (!context_ && has_http2_preface(channel.fd())))
        return Http2Session(channel, desk, stop_).serve();
    return Session(channel, desk, stop_).serve();
}

void Server::reap() {
    std::vector<std::thread> ended;
    {
        const std::lock_guard lock(mutex_);
        for (auto session = sessions_.begin(); session != sessions_.end();) {
            if (!session->second.ended) {
                ++session;
                continue;
            }
            ended.push_back(std::move(session->second.thread));
            session = sessions_.erase(session);
        }
    }
    for (std::thread& thread : ended)
        thread.join();
}

void Server::end_sessions() {
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, running] : sessions_)
            if (!running.ended) shutdown(running.fd, SHUT_RDWR);
    }
    for (auto& [number, running] : sessions_)
        running.thread.join();
}

}  // namespace llmsnoop::support
