// The table of a program that is linked with libssl in the ordinary way: the dynamic loader decides which file that is.
#include "tests/support/clients/ssl_api.h"

namespace llmsnoop::support {

base::Result<SslApi> ssl_api(const std::string& path) {
    if (!path.empty()) return base::error("this client uses the libssl it is linked with", base::Error::Kind::usage);
    return SslApi{
        .tls_client_method = TLS_client_method,
        .ctx_new = SSL_CTX_new,
        .ctx_free = SSL_CTX_free,
        .ctx_set_verify = SSL_CTX_set_verify,
        .ctx_load_verify_locations = SSL_CTX_load_verify_locations,
        .create = SSL_new,
        .destroy = SSL_free,
        .set_fd = SSL_set_fd,
        .set_bio = SSL_set_bio,
        .ctrl = SSL_ctrl,
        .set_alpn_protos = SSL_set_alpn_protos,
        .connect = SSL_connect,
        .read = SSL_read,
        .write = SSL_write,
        .read_ex = SSL_read_ex,
        .write_ex = SSL_write_ex,
        .get_error = SSL_get_error,
        .shutdown = SSL_shutdown,
        .bio_new = BIO_new,
        .bio_s_mem = BIO_s_mem,
        .bio_read = BIO_read,
        .bio_write = BIO_write,
        .bio_ctrl_pending = BIO_ctrl_pending,
    };
}

}  // namespace llmsnoop::support
