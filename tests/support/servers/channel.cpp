#include "tests/support/servers/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/support/net/socket.h"

namespace llmsnoop::support {

Channel::Channel(base::Fd fd, SSL_CTX* context, SslCalls calls) : fd_(std::move(fd)), calls_(calls) {
    send_without_delay(fd_.get());
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_.get());
}

bool Channel::handshake() {
    return !ssl_ || SSL_accept(ssl_.get()) == 1;
}

std::size_t Channel::read(char* into, std::size_t size) {
    ++counts_.reads;
    std::size_t got = 0;
    if (!ssl_) {
        ssize_t result;
        do {
            result = recv(fd_.get(), into, size, 0);
        } while (result < 0 && errno == EINTR);
        got = result > 0 ? static_cast<std::size_t>(result) : 0;
    } else if (calls_ == SslCalls::ex) {
        if (SSL_read_ex(ssl_.get(), into, size, &got) != 1) got = 0;
    } else {
        const int result = SSL_read(ssl_.get(), into, static_cast<int>(size));
        got = result > 0 ? static_cast<std::size_t>(result) : 0;
    }
    counts_.read_bytes += got;
    return got;
}

bool Channel::wait_readable(int milliseconds) const {
    if (ssl_ && SSL_pending(ssl_.get()) > 0) return true;
    pollfd ready{fd_.get(), POLLIN, 0};
    return poll(&ready, 1, milliseconds) > 0;
}

std::string_view Channel::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    if (ssl_) SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

bool Channel::write(std::string_view bytes) {
    counts_.written_bytes += bytes.size();
    if (ssl_) {
        ++counts_.writes;
        if (bytes.empty()) return true;
        if (calls_ == SslCalls::classic) return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
        std::size_t written = 0;
        return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
    }
    while (!bytes.empty()) {
        ++counts_.writes;
        const ssize_t result = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (result < 0 && errno == EINTR) continue;
        if (result <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(result));
    }
    return true;
}

void Channel::say_goodbye() {
    if (ssl_) SSL_shutdown(ssl_.get());
}

}  // namespace llmsnoop::support
