#pragma once
// A TLS context for a server on this machine, with a certificate made on the spot, by an authority made on the spot:
// valid for a week, for localhost, 127.0.0.1 and the names given. The keys never leave the process. Of what a client
// offers by ALPN it takes the first of h2 and http/1.1.
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::support {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

// Writes the authority's certificate, for clients to trust, in PEM to `certificate_file` unless that is empty.
base::Result<TlsContext> make_server_context(const std::vector<std::string>& more_names,
                                             const std::string& certificate_file);

}  // namespace llmsnoop::support
