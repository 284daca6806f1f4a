#pragma once
// A client's connection as bytes that come and go without waiting: plain, or through TLS (1.2 and later).
#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace llmsnoop::exporters {

struct TlsFiles {
    std::string certificate_file;  // PEM, the chain
    std::string key_file;
};

struct SslContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// Certificate and key are read here, once. `name`: for messages.
base::Result<SslContext> tls_context(const std::string& name, const TlsFiles& files);

class Channel {
 public:
    // wants_read, wants_write: to be tried again when the socket is so; nothing has moved.
    enum class Outcome { moved, wants_read, wants_write, ended, broken };
    struct Step {
        Outcome outcome = Outcome::broken;
        std::size_t bytes = 0;  // that have moved
    };

    // The socket does not block. `context` absent: plain.
    Channel(base::Fd socket, SSL_CTX* context);

    int fd() const { return socket_.get(); }
    bool is_tls() const { return tls_; }
    Step handshake();  // moved: it is done
    Step read(std::span<char> into);
    Step write(std::string_view bytes);
    // Nothing more will be written. What the client still sends is read by discard() only, without looking at it.
    void finish();
    Step discard();
    void abandon();  // what was written and not yet taken is dropped when it closes: nobody takes it

 private:
    struct SslFree {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    Step step_of(int done) const;

    base::Fd socket_;
    bool tls_;
    std::unique_ptr<SSL, SslFree> ssl_;
};

}  // namespace llmsnoop::exporters
