#include "tests/support/clients/socket_transports.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/support/net/socket.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kMaxClassicWrite = std::size_t{1} << 30;  // SSL_write takes an int
constexpr int kSmallSendBuffer = 4096;

std::size_t receive_some(int fd, char* into, std::size_t size) {
    ssize_t got;
    do {
        got = recv(fd, into, size, 0);
    } while (got < 0 && errno == EINTR);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Three buffers, the second of which holds nothing.
std::array<iovec, 3> three_buffers(char* bytes, std::size_t size) {
    const std::size_t first = size / 3;
    return {iovec{bytes, first}, iovec{nullptr, 0}, iovec{bytes + first, size - first}};
}

bool send_vectors(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto buffers = three_buffers(const_cast<char*>(bytes.data()), bytes.size());
        const ssize_t sent = writev(fd, buffers.data(), static_cast<int>(buffers.size()));
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t receive_vectors(int fd, char* into, std::size_t size) {
    recv(fd, into, size, MSG_PEEK);
    const auto buffers = three_buffers(into, size);
    ssize_t got;
    do {
        got = readv(fd, buffers.data(), static_cast<int>(buffers.size()));
    } while (got < 0 && errno == EINTR);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

}  // namespace

bool PlainTransport::write(std::string_view bytes) {
    ++counts_.writes;
    counts_.written_bytes += bytes.size();
    return vectors_ ? send_vectors(fd_.get(), bytes) : send_all(fd_.get(), bytes);
}

std::size_t PlainTransport::read(char* into, std::size_t size) {
    ++counts_.reads;
    const std::size_t got = vectors_ ? receive_vectors(fd_.get(), into, size) : receive_some(fd_.get(), into, size);
    counts_.read_bytes += got;
    return got;
}

void PlainTransport::shutdown() {
    ::shutdown(fd_.get(), SHUT_RDWR);
}
std::uint16_t PlainTransport::port() const {
    return local_port(fd_.get());
}

TlsSession::TlsSession(const TlsClient& client, base::Fd fd, const TransportOptions& options)
    : api_(client.api()),
      fd_(std::move(fd)),
      ssl_(api_.create(client.context()), api_.destroy),
      drive_(options.drive),
      calls_(options.calls) {
    // What the macro SSL_set_tlsext_host_name does; the library copies the name.
    api_.ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
              const_cast<char*>(options.server_name.c_str()));
    if (!options.protocol.empty()) {
        const std::string list = static_cast<char>(options.protocol.size()) + options.protocol;
        api_.set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                             static_cast<unsigned>(list.size()));
    }
    if (drive_ == Drive::memory_bio) {
        incoming_ = api_.bio_new(api_.bio_s_mem());
        outgoing_ = api_.bio_new(api_.bio_s_mem());
        api_.set_bio(ssl_.get(), incoming_, outgoing_);
        return;
    }
    if (drive_ == Drive::non_blocking) {
        // A small buffer makes the socket refuse writes, so that WANT_WRITE and partial writes do happen.
        setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &kSmallSendBuffer, sizeof kSmallSendBuffer);
        fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
        api_.ctrl(ssl_.get(), SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
                  nullptr);
    }
    api_.set_fd(ssl_.get(), fd_.get());
}

bool TlsSession::handshake() {
    for (;;) {
        const int result = api_.connect(ssl_.get());
        if (result == 1) return drive_ != Drive::memory_bio || send_pending();
        if (after(result) == Retry::never) return false;
    }
}

bool TlsSession::write(std::string_view bytes) {
    counts_.written_bytes += bytes.size();
    while (!bytes.empty()) {
        std::size_t accepted = 0;
        const int result = write_once(bytes.substr(0, kMaxClassicWrite), accepted);
        if (result > 0) {
            bytes.remove_prefix(accepted);
            if (drive_ == Drive::memory_bio && !send_pending()) return false;
        } else if (after(result) == Retry::never) {
            return false;
        }
    }
    return true;
}

std::size_t TlsSession::read(char* into, std::size_t size) {
    for (;;) {
        std::size_t got = 0;
        const int result = read_once(into, size, got);
        if (result > 0) {
            counts_.read_bytes += got;
            return got;
        }
        if (after(result) == Retry::never) return 0;
    }
}

int TlsSession::read_once(char* into, std::size_t size, std::size_t& got) {
    ++counts_.reads;
    if (calls_ == Calls::ex) return api_.read_ex(ssl_.get(), into, size, &got);
    const int result = api_.read(ssl_.get(), into, static_cast<int>(std::min(size, kMaxClassicWrite)));
    if (result > 0) got = static_cast<std::size_t>(result);
    return result;
}

int TlsSession::write_once(std::string_view bytes, std::size_t& accepted) {
    ++counts_.writes;
    if (calls_ == Calls::ex) return api_.write_ex(ssl_.get(), bytes.data(), bytes.size(), &accepted);
    const int result = api_.write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (result > 0) accepted = static_cast<std::size_t>(result);
    return result;
}

// After a call that did not succeed: brings about what it wants, or says that there is no point.
TlsSession::Retry TlsSession::after(int result) {
    const int error = api_.get_error(ssl_.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return Retry::never;
    bool good = false;
    if (drive_ == Drive::memory_bio) {
        good = send_pending() && (error == SSL_ERROR_WANT_WRITE || receive());
    } else {
        good = wait_for(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    }
    return good ? Retry::now : Retry::never;
}

bool TlsSession::wait_for(short events) const {
    pollfd ready{fd_.get(), events, 0};
    int result;
    do {
        result = poll(&ready, 1, -1);
    } while (result < 0 && errno == EINTR);
    return result > 0;
}

bool TlsSession::send_pending() {
    char block[16384];
    while (api_.bio_ctrl_pending(outgoing_) > 0) {
        const int size = api_.bio_read(outgoing_, block, sizeof block);
        if (size <= 0 || !send_all(fd_.get(), {block, static_cast<std::size_t>(size)})) return false;
    }
    return true;
}

bool TlsSession::receive() {
    char block[16384];
    const std::size_t got = receive_some(fd_.get(), block, sizeof block);
    return got > 0 && api_.bio_write(incoming_, block, static_cast<int>(got)) == static_cast<int>(got);
}

void TlsSession::shutdown() {
    api_.shutdown(ssl_.get());
    if (drive_ == Drive::memory_bio) send_pending();
}

std::uint16_t TlsSession::port() const {
    return local_port(fd_.get());
}

}  // namespace llmsnoop::support
