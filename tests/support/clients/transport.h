#pragma once
// One connection to a server on loopback, driven in the ways in which real programs drive OpenSSL. Blocking to its
// caller in every case; not thread-safe.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "tests/support/clients/ssl_api.h"

namespace llmsnoop::support {

enum class Drive : std::uint8_t {
    plain,         // no TLS
    vectors,       // no TLS; each call with several buffers, and each read after a peek
    blocking,      // SSL over a blocking socket
    non_blocking,  // SSL over a non-blocking socket: WANT_READ, WANT_WRITE, partial writes
    memory_bio,    // SSL over memory, the socket moved by hand, as Node and Python's asyncio do
};
enum class Calls : std::uint8_t { classic, ex };
enum class Threads : std::uint8_t { one, alternating };  // alternating: each call from the other of two threads

struct TransportOptions {
    std::uint16_t port = 0;
    Drive drive = Drive::blocking;
    Calls calls = Calls::classic;
    Threads threads = Threads::one;
    std::string server_name = "localhost";
    std::string protocol;  // offered by ALPN (RFC 7301); empty: nothing is
};

struct CallCounts {
    std::uint64_t reads = 0;  // calls of SSL_read or SSL_read_ex, those that want more included
    std::uint64_t writes = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
};

// The library and the settings that all connections of a process share.
class TlsClient {
 public:
    // `authority`: a file of trusted certificates in PEM; empty means that nothing is verified.
    static base::Result<TlsClient> create(const SslApi& api, const std::string& authority);

    const SslApi& api() const { return *api_; }
    SSL_CTX* context() const { return context_.get(); }

 private:
    TlsClient(const SslApi& api, SSL_CTX* context) : api_(&api), context_(context, api.ctx_free) {}

    const SslApi* api_;
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

class Transport {
 public:
    // `client` must outlive the transport.
    static base::Result<std::unique_ptr<Transport>> connect(const TlsClient& client, const TransportOptions& options);

    virtual ~Transport() = default;

    // Everything, however many calls it takes.
    virtual bool write(std::string_view bytes) = 0;
    // 0 at the end of the connection, orderly or not.
    virtual std::size_t read(char* into, std::size_t size) = 0;
    // Ends the connection with close_notify; the destructor frees and closes in silence.
    virtual void shutdown() = 0;

    virtual std::uint16_t port() const = 0;  // of this end
    virtual const CallCounts& counts() const = 0;
};

}  // namespace llmsnoop::support
