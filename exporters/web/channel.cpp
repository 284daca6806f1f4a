#include "exporters/web/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace llmsnoop::exporters {

namespace {

std::string openssl_reason() {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    ERR_clear_error();
    return text.data();
}

Channel::Step plain_step(ssize_t done, Channel::Outcome again) {
    if (done > 0) return {Channel::Outcome::moved, static_cast<std::size_t>(done)};
    if (done == 0) return {Channel::Outcome::ended, 0};
    return {errno == EAGAIN || errno == EINTR ? again : Channel::Outcome::broken, 0};
}

}  // namespace

base::Result<SslContext> tls_context(const std::string& name, const TlsFiles& files) {
    SslContext out(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* const context = out.get();
    if (context == nullptr) return base::error(name + ": TLS: " + openssl_reason());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Buffers are given back while nothing moves: many connections may be silent.
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // A client that comes again can bring a ticket: nothing is to be kept for it here.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    const auto unusable = [&](const std::string& file) {
        return base::error(name + ": " + file + " cannot be used: " + openssl_reason(), base::Error::Kind::usage);
    };
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str()) != 1)
        return unusable(files.certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return unusable(files.key_file);
    return out;
}

Channel::Channel(base::Fd socket, SSL_CTX* context)
    : socket_(std::move(socket)), tls_(context != nullptr), ssl_(tls_ ? SSL_new(context) : nullptr) {
    if (ssl_ && SSL_set_fd(ssl_.get(), socket_.get()) != 1) ssl_.reset();
}

Channel::Step Channel::step_of(int done) const {
    if (done > 0) return {Outcome::moved, static_cast<std::size_t>(done)};
    switch (SSL_get_error(ssl_.get(), done)) {
        case SSL_ERROR_WANT_READ:
            return {Outcome::wants_read, 0};
        case SSL_ERROR_WANT_WRITE:
            return {Outcome::wants_write, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {Outcome::ended, 0};
        default:
            return {Outcome::broken, 0};
    }
}

Channel::Step Channel::handshake() {
    if (!tls_) return {Outcome::moved, 0};
    if (!ssl_) return {};
    ERR_clear_error();
    return step_of(SSL_accept(ssl_.get()));
}

Channel::Step Channel::read(std::span<char> into) {
    if (!tls_) return plain_step(::recv(socket_.get(), into.data(), into.size(), 0), Outcome::wants_read);
    if (!ssl_) return {};
    ERR_clear_error();
    return step_of(SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size())));
}

Channel::Step Channel::write(std::string_view bytes) {
    if (!tls_) return plain_step(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), Outcome::wants_write);
    if (!ssl_) return {};
    ERR_clear_error();
    return step_of(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
}

void Channel::finish() {
    if (ssl_) SSL_shutdown(ssl_.get());
    ::shutdown(socket_.get(), SHUT_WR);
}

Channel::Step Channel::discard() {
    std::array<char, 4096> bytes{};
    return plain_step(::recv(socket_.get(), bytes.data(), bytes.size(), 0), Outcome::wants_read);
}

void Channel::abandon() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace llmsnoop::exporters
