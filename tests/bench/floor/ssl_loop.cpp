// ssl_loop: times SSL_write and SSL_read over a memory BIO pair in one thread, on command.
//
//   LD_LIBRARY_PATH=private-libs ssl_loop
//   READY 4711                                          its pid
//   run read 256 20000                                  > operation (read, write or turn), bytes, calls
//   {"operation":"read","size":256,"calls":20000,"ns_per_call":1234.5,"cpu_ns_per_call":1201.7}
//   renew                                               > another connection, whose beginning a watcher sees
//   {}
//
// The CPU time is the thread's own, kernel included: on a busy machine it is the figure to compare.
// "turn" is one SSL_write and one SSL_read. Between commands nothing happens, so that probes can be attached and
// detached and rounds with and without them interleaved in one process. Ends at "quit" or the end of input.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/servers/certificate.h"

namespace {

using namespace llmsnoop;

constexpr std::size_t kPipe = std::size_t{1} << 20;
constexpr std::size_t kMaxSize = 16384;
constexpr std::size_t kRecordOverhead = 64;  // more than TLS adds
constexpr unsigned kHandshakeSteps = 16;

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;

class Pair {
 public:
    Pair() {
        auto made = support::make_server_context({}, "");
        if (!made) return;
        server_context_ = std::move(*made);
        client_context_.reset(SSL_CTX_new(TLS_client_method()));
        client_.reset(SSL_new(client_context_.get()));
        server_.reset(SSL_new(server_context_.get()));
        BIO* near = nullptr;
        BIO* far = nullptr;
        BIO_new_bio_pair(&near, kPipe, &far, kPipe);
        SSL_set_bio(client_.get(), near, near);
        SSL_set_bio(server_.get(), far, far);
        SSL_set_connect_state(client_.get());
        SSL_set_accept_state(server_.get());
        for (unsigned i = 0; i < kHandshakeSteps; ++i) {
            SSL_do_handshake(client_.get());
            SSL_do_handshake(server_.get());
        }
        // One exchange each way, so that session tickets are out of the way.
        ready_ = SSL_is_init_finished(client_.get()) == 1 && write(server_.get(), 1) && read(client_.get(), 1) &&
                 write(client_.get(), 1) && read(server_.get(), 1);
    }

    bool ready() const { return ready_; }
    bool write(std::size_t size) { return write(client_.get(), size); }
    bool read(std::size_t size) { return read(server_.get(), size); }

 private:
    bool write(SSL* ssl, std::size_t size) {
        return SSL_write(ssl, out_.data(), static_cast<int>(size)) == static_cast<int>(size);
    }
    bool read(SSL* ssl, std::size_t size) {
        return SSL_read(ssl, in_.data(), static_cast<int>(in_.size())) == static_cast<int>(size);
    }

    support::TlsContext server_context_;
    support::TlsContext client_context_;
    SslPtr client_;
    SslPtr server_;
    std::vector<char> out_ = std::vector<char>(kMaxSize, 'a');
    std::vector<char> in_ = std::vector<char>(kMaxSize);
    bool ready_ = false;
};

// A point in time by both clocks, and a length of time by both.
struct Stamp {
    double wall_ns = 0;
    double cpu_ns = 0;

    static Stamp now() { return {read(CLOCK_MONOTONIC), read(CLOCK_THREAD_CPUTIME_ID)}; }
    void add(const Stamp& begin, const Stamp& end) {
        wall_ns += end.wall_ns - begin.wall_ns;
        cpu_ns += end.cpu_ns - begin.cpu_ns;
    }

 private:
    static double read(clockid_t clock) {
        timespec time{};
        clock_gettime(clock, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    }
};

bool turns(Pair& pair, std::size_t size, unsigned long count) {
    for (unsigned long i = 0; i < count; ++i)
        if (!pair.write(size) || !pair.read(size)) return false;
    return true;
}

bool writes(Pair& pair, std::size_t size, unsigned long count) {
    for (unsigned long i = 0; i < count; ++i)
        if (!pair.write(size)) return false;
    return true;
}

bool reads(Pair& pair, std::size_t size, unsigned long count) {
    for (unsigned long i = 0; i < count; ++i)
        if (!pair.read(size)) return false;
    return true;
}

// Time of `calls` calls; nothing if one failed. Reads and writes are timed apart, in batches that fit into the pipe.
std::optional<Stamp> run(Pair& pair, const std::string& operation, std::size_t size, unsigned long calls) {
    Stamp total;
    const unsigned long batch = std::min<unsigned long>(kPipe / (size + kRecordOverhead), 64);
    for (unsigned long done = 0; done < calls; done += batch) {
        const unsigned long count = std::min(batch, calls - done);
        const Stamp first = Stamp::now();
        if (!(operation == "turn" ? turns(pair, size, count) : writes(pair, size, count))) return std::nullopt;
        const Stamp second = Stamp::now();
        if (operation != "read") total.add(first, second);
        if (operation == "turn") continue;
        if (!reads(pair, size, count)) return std::nullopt;
        if (operation == "read") total.add(second, Stamp::now());
    }
    return total;
}

}  // namespace

int main() {
    auto pair = std::make_unique<Pair>();
    if (!pair->ready()) {
        std::fprintf(stderr, "ssl_loop: the handshake failed\n");
        return 1;
    }
    std::printf("READY %d\n", getpid());
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
        std::istringstream words(line);
        std::string verb;
        std::string operation;
        std::size_t size = 0;
        unsigned long calls = 0;
        words >> verb >> operation >> size >> calls;
        if (verb == "renew") {
            pair.reset();
            pair = std::make_unique<Pair>();
            std::puts(pair->ready() ? "{}" : "the handshake failed");
            std::fflush(stdout);
            continue;
        }
        if (verb != "run" || (operation != "read" && operation != "write" && operation != "turn") || size == 0 ||
            size > kMaxSize || calls == 0) {
            std::fprintf(stderr, "ssl_loop: expected: run read|write|turn BYTES CALLS\n");
            return 2;
        }
        const auto took = run(*pair, operation, size, calls);
        if (!took) {
            std::fprintf(stderr, "ssl_loop: an SSL call failed\n");
            return 1;
        }
        std::printf("{\"operation\":\"%s\",\"size\":%zu,\"calls\":%lu,\"ns_per_call\":%.1f,\"cpu_ns_per_call\":%.1f}\n",
                    operation.c_str(), size, calls, took->wall_ns / static_cast<double>(calls),
                    took->cpu_ns / static_cast<double>(calls));
        std::fflush(stdout);
    }
    return 0;
}
