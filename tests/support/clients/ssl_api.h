#pragma once
// The functions of libssl and libcrypto that the clients call, as a table: so that one client can use the library it is
// linked with, or any other by path (OpenSSL 1.1 beside 3). The functions in the table are the library's own exports.
#include <openssl/ssl.h>

#include <string>

#include "agent/base/result.h"

namespace llmsnoop::support {

struct SslApi {
    const SSL_METHOD* (*tls_client_method)();
    SSL_CTX* (*ctx_new)(const SSL_METHOD*);
    void (*ctx_free)(SSL_CTX*);
    void (*ctx_set_verify)(SSL_CTX*, int, SSL_verify_cb);
    int (*ctx_load_verify_locations)(SSL_CTX*, const char*, const char*);
    SSL* (*create)(SSL_CTX*);
    void (*destroy)(SSL*);
    int (*set_fd)(SSL*, int);
    void (*set_bio)(SSL*, BIO*, BIO*);
    long (*ctrl)(SSL*, int, long, void*);
    int (*set_alpn_protos)(SSL*, const unsigned char*, unsigned);
    int (*connect)(SSL*);
    int (*read)(SSL*, void*, int);
    int (*write)(SSL*, const void*, int);
    int (*read_ex)(SSL*, void*, std::size_t, std::size_t*);
    int (*write_ex)(SSL*, const void*, std::size_t, std::size_t*);
    int (*get_error)(const SSL*, int);
    int (*shutdown)(SSL*);
    BIO* (*bio_new)(const BIO_METHOD*);
    const BIO_METHOD* (*bio_s_mem)();
    int (*bio_read)(BIO*, void*, int);
    int (*bio_write)(BIO*, const void*, int);
    std::size_t (*bio_ctrl_pending)(BIO*);
};

// From the libssl at `path`, which is never unloaded; an empty path is right only in a program linked with libssl.
base::Result<SslApi> ssl_api(const std::string& path);

}  // namespace llmsnoop::support
