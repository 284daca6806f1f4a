#include "exporters/web/tls_front.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "agent/base/fd.h"
#include "exporters/signals_blocked.h"

namespace llmsnoop::exporters {

namespace {

using base::Fd;

struct ContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

constexpr int kBacklog = 64;

std::string openssl_reason() {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    ERR_clear_error();
    return text.data();
}

// Bytes of one direction on their way.
struct Pipe {
    std::array<char, 16384> bytes{};
    std::size_t begin = 0;
    std::size_t end = 0;
    bool closed = false;  // nothing more comes

    bool empty() const { return begin == end; }
};

}  // namespace

struct TlsFront::State {
    Options options;
    std::unique_ptr<SSL_CTX, ContextFree> context;
    Fd listener;
    Fd stop;  // an eventfd that becomes readable when all shall end
    std::uint16_t port = 0;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t open = 0;
    bool stopping = false;
    std::thread acceptor;

    static void accept_all(const std::shared_ptr<State>& self);
    void serve(Fd client) const;
    bool wait(const Fd& client, short client_events, const Fd& server, short server_events) const;
    bool handshake(SSL* ssl, const Fd& client) const;
    void relay(SSL* ssl, const Fd& client, const Fd& server) const;
};

// False: time is up, or all shall end.
bool TlsFront::State::wait(const Fd& client, short client_events, const Fd& server, short server_events) const {
    std::array<pollfd, 3> all{{{stop.get(), POLLIN, 0},
                               {client_events != 0 ? client.get() : -1, client_events, 0},
                               {server_events != 0 ? server.get() : -1, server_events, 0}}};
    const int ready = ::poll(all.data(), all.size(), static_cast<int>(options.timeout.count()));
    return ready > 0 && all[0].revents == 0;
}

bool TlsFront::State::handshake(SSL* ssl, const Fd& client) const {
    const auto until = std::chrono::steady_clock::now() + options.timeout;
    while (std::chrono::steady_clock::now() < until) {
        ERR_clear_error();
        const int done = SSL_accept(ssl);
        if (done == 1) return true;
        const int why = SSL_get_error(ssl, done);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
        if (!wait(client, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, Fd(), 0)) return false;
    }
    return false;
}

// Each direction holds one buffer: whoever is slow stops the other end, and nothing grows. A stream of events is quiet
// for longer than the timeout only if its heartbeats stop.
void TlsFront::State::relay(SSL* ssl, const Fd& client, const Fd& server) const {
    Pipe in;
    Pipe out;
    while (true) {
        short client_events = 0;
        bool moved = false;
        if (in.empty() && !in.closed) {
            ERR_clear_error();
            const int got = SSL_read(ssl, in.bytes.data(), static_cast<int>(in.bytes.size()));
            const int why = got > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, got);
            if (got > 0) {
                in.begin = 0;
                in.end = static_cast<std::size_t>(got);
                moved = true;
            } else if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
                client_events |= why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
            } else if (why == SSL_ERROR_ZERO_RETURN) {  // the client has sent all; it may still read
                in.closed = true;
                ::shutdown(server.get(), SHUT_WR);
            } else {
                return;
            }
        }
        short server_events = 0;
        if (!in.empty()) {
            const ssize_t sent = ::send(server.get(), in.bytes.data() + in.begin, in.end - in.begin, MSG_NOSIGNAL);
            if (sent > 0) {
                in.begin += static_cast<std::size_t>(sent);
                moved = true;
            } else if (errno == EAGAIN) {
                server_events |= POLLOUT;
            } else {
                return;
            }
        }
        if (out.empty() && !out.closed) {
            const ssize_t got = ::recv(server.get(), out.bytes.data(), out.bytes.size(), 0);
            if (got > 0) {
                out.begin = 0;
                out.end = static_cast<std::size_t>(got);
                moved = true;
            } else if (got < 0 && errno == EAGAIN) {
                server_events |= POLLIN;
            } else {
                out.closed = true;
            }
        }
        if (!out.empty()) {
            ERR_clear_error();
            const int sent = SSL_write(ssl, out.bytes.data() + out.begin, static_cast<int>(out.end - out.begin));
            const int why = sent > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, sent);
            if (sent > 0) {
                out.begin += static_cast<std::size_t>(sent);
                moved = true;
            } else if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
                client_events |= why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
            } else {
                return;
            }
        } else if (out.closed) {
            SSL_shutdown(ssl);
            return;
        }
        if (!moved && !wait(client, client_events, server, server_events)) return;
    }
}

void TlsFront::State::serve(Fd client) const {
    const Ssl ssl(SSL_new(context.get()));
    if (!ssl || SSL_set_fd(ssl.get(), client.get()) != 1 || !handshake(ssl.get(), client)) return;
    const Fd server(::socket(options.behind.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!server || ::connect(server.get(), options.behind.get(), options.behind.size) != 0) return;
    const int flags = ::fcntl(server.get(), F_GETFL);
    if (flags < 0 || ::fcntl(server.get(), F_SETFL, flags | O_NONBLOCK) != 0) return;
    relay(ssl.get(), client, server);
}

// The threads share the state: the last of them may still be leaving when the front is gone.
void TlsFront::State::accept_all(const std::shared_ptr<State>& self) {
    State& state = *self;
    while (true) {
        {
            std::unique_lock lock(state.mutex);
            state.changed.wait(lock, [&] { return state.stopping || state.open < state.options.connections; });
            if (state.stopping) return;
        }
        std::array<pollfd, 2> all{{{state.stop.get(), POLLIN, 0}, {state.listener.get(), POLLIN, 0}}};
        if (::poll(all.data(), all.size(), -1) < 0) continue;
        if (all[0].revents != 0) return;
        Fd client(::accept4(state.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client) {  // such as EMFILE, which lasts: not to spin
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            continue;
        }
        const std::lock_guard lock(state.mutex);
        const auto shared = std::make_shared<Fd>(std::move(client));
        try {
            std::thread([self, shared] {
                self->serve(std::move(*shared));
                const std::lock_guard done(self->mutex);
                --self->open;
                self->changed.notify_all();
            }).detach();
            ++state.open;  // its thread cannot take it back before the lock is released
        } catch (const std::system_error&) {
            // No more threads are to be had: the connection is closed, and the next one may have better luck.
        }
    }
}

TlsFront::TlsFront(std::shared_ptr<State> state) : state_(std::move(state)) {}

TlsFront::~TlsFront() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t told = ::write(state_->stop.get(), &one, sizeof one);
    std::unique_lock lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
    lock.unlock();
    state_->acceptor.join();
    lock.lock();
    state_->changed.wait(lock, [this] { return state_->open == 0; });
}

base::Result<std::unique_ptr<TlsFront>> TlsFront::start(Options options) {
    auto state = std::make_shared<State>();
    state->options = std::move(options);
    const Options& wanted = state->options;
    state->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* const context = state->context.get();
    if (context == nullptr) return base::error(wanted.name + ": TLS: " + openssl_reason());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    const auto unusable = [&](const std::string& file) {
        return base::error(wanted.name + ": " + file + " cannot be used: " + openssl_reason(),
                           base::Error::Kind::usage);
    };
    if (SSL_CTX_use_certificate_chain_file(context, wanted.certificate_file.c_str()) != 1)
        return unusable(wanted.certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, wanted.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return unusable(wanted.key_file);

    const ListenAddress& address = wanted.address;
    state->listener = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(state->listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(state->listener.get(), address.get(), address.size) != 0 ||
        ::listen(state->listener.get(), kBacklog) != 0)
        return base::system_error(wanted.name + ": cannot listen");
    ListenAddress bound = address;
    if (::getsockname(state->listener.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) == 0)
        state->port = bound.port();
    state->stop = Fd(::eventfd(0, EFD_CLOEXEC));
    if (!state->stop) return base::system_error(wanted.name + ": eventfd");
    const SignalsBlocked blocked;
    state->acceptor = std::thread([state] { State::accept_all(state); });
    return std::unique_ptr<TlsFront>(new TlsFront(std::move(state)));
}

std::uint16_t TlsFront::port() const {
    return state_->port;
}

}  // namespace llmsnoop::exporters
