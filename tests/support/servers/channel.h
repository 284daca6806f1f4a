#pragma once
// One accepted connection, TLS or plain, with blocking calls. Used by one thread at a time.
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/base/fd.h"

namespace llmsnoop::support {

enum class SslCalls : std::uint8_t { classic, ex };  // SSL_read/SSL_write or SSL_read_ex/SSL_write_ex

struct IoCounts {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
};

class Channel {
 public:
    // `context` is nullptr for a plain connection and must outlive the channel otherwise.
    Channel(base::Fd fd, SSL_CTX* context, SslCalls calls);

    bool handshake();

    // Bytes read, at most `size`; 0 when the peer has ended or the connection is broken.
    std::size_t read(char* into, std::size_t size);

    // Is there something to read, the end included, within so many milliseconds? -1: waits for ever.
    bool wait_readable(int milliseconds) const;

    // What the handshake agreed on (ALPN, RFC 7301); empty if nothing.
    std::string_view protocol() const;

    // All of it, in one call of SSL_write (or as many calls of send as the kernel wants).
    bool write(std::string_view bytes);

    // Sends close_notify. Without it the destructor cuts the connection as a dying server would.
    void say_goodbye();

    int fd() const { return fd_.get(); }
    const IoCounts& counts() const { return counts_; }

 private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    base::Fd fd_;
    std::unique_ptr<SSL, Free> ssl_;
    SslCalls calls_;
    IoCounts counts_;
};

}  // namespace llmsnoop::support
