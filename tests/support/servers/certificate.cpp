#include "tests/support/servers/certificate.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace llmsnoop::support {
namespace {

constexpr long kLifetimeSeconds = 7L * 24 * 3600;

struct FreeX509 {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

using Certificate = std::unique_ptr<X509, FreeX509>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr) return false;
    const bool added = X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

// Strict verifiers (Python from 3.13) insist on the key identifiers.
bool fill(X509* certificate, EVP_PKEY* key, const char* name, X509* issuer) {
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), static_cast<long>(serial >> 1) + 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), kLifetimeSeconds);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    return add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

bool fill_authority(X509* certificate, EVP_PKEY* key) {
    return fill(certificate, key, "llmsnoop test authority", certificate) &&
           add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Not the authority's own certificate: rustls takes none for a server's that may sign others.
bool fill_server(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& more_names, X509* authority,
                 EVP_PKEY* authority_key) {
    std::string names = "DNS:localhost,IP:127.0.0.1";
    for (const std::string& more : more_names)
        names += ",DNS:" + more;
    return fill(certificate, key, "localhost", authority) &&
           add_extension(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, authority, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, authority, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, authority, NID_subject_alt_name, names) &&
           X509_sign(certificate, authority_key, EVP_sha256()) > 0;
}

// RFC 7301, section 3.2: the server's preference decides. A client that offers nothing we know goes on without ALPN, as
// one that offers none.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
    for (const std::string_view wanted : {"h2", "http/1.1"}) {
        std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
        while (!rest.empty()) {
            const std::string_view name = rest.substr(1, static_cast<unsigned char>(rest[0]));
            if (name == wanted) {
                *out = reinterpret_cast<const unsigned char*>(name.data());
                *out_size = static_cast<unsigned char>(name.size());
                return SSL_TLSEXT_ERR_OK;
            }
            rest.remove_prefix(std::min(rest.size(), 1 + name.size()));
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

base::Result<TlsContext> make_server_context(const std::vector<std::string>& more_names,
                                             const std::string& certificate_file) {
    TlsContext context(SSL_CTX_new(TLS_server_method()));
    const Key key(EVP_EC_gen("P-256")), authority_key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new()), authority(X509_new());
    if (!context || !key || !authority_key || !certificate || !authority ||
        !fill_authority(authority.get(), authority_key.get()) ||
        !fill_server(certificate.get(), key.get(), more_names, authority.get(), authority_key.get()) ||
        SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
        return base::error("cannot make a certificate");
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    if (certificate_file.empty()) return context;
    std::FILE* file = std::fopen(certificate_file.c_str(), "w");
    if (file == nullptr) return base::system_error("cannot write " + certificate_file);
    const bool written = PEM_write_X509(file, authority.get()) == 1;
    if (std::fclose(file) != 0 || !written) return base::system_error("cannot write " + certificate_file);
    return context;
}

}  // namespace llmsnoop::support
