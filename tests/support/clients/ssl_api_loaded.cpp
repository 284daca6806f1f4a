// The table of a program that opens a libssl by path, as plug-ins and language runtimes do.
#include <dlfcn.h>

#include "tests/support/clients/ssl_api.h"

namespace llmsnoop::support {
namespace {

// The libcrypto beside it, so that no search path need name it: once loaded, it is what libssl's dependency resolves
// to.
void load_sibling_crypto(std::string path) {
    const std::size_t name = path.rfind("libssl");
    if (name != std::string::npos) dlopen(path.replace(name, 6, "libcrypto").c_str(), RTLD_NOW | RTLD_LOCAL);
}

class Loader {
 public:
    explicit Loader(void* library) : library_(library) {}

    // Names of libcrypto are found too: dlsym searches a library's dependencies after the library.
    template <typename Function>
    void bind(Function*& function, const char* name) {
        function = reinterpret_cast<Function*>(dlsym(library_, name));
        if (function == nullptr && missing_.empty()) missing_ = name;
    }

    const std::string& missing() const { return missing_; }

 private:
    void* library_;
    std::string missing_;
};

}  // namespace

base::Result<SslApi> ssl_api(const std::string& path) {
    if (path.empty()) return base::error("--libssl PATH is needed", base::Error::Kind::usage);
    load_sibling_crypto(path);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return base::error(dlerror());
    Loader loader(library);
    SslApi api{};
    loader.bind(api.tls_client_method, "TLS_client_method");
    loader.bind(api.ctx_new, "SSL_CTX_new");
    loader.bind(api.ctx_free, "SSL_CTX_free");
    loader.bind(api.ctx_set_verify, "SSL_CTX_set_verify");
    loader.bind(api.ctx_load_verify_locations, "SSL_CTX_load_verify_locations");
    loader.bind(api.create, "SSL_new");
    loader.bind(api.destroy, "SSL_free");
    loader.bind(api.set_fd, "SSL_set_fd");
    loader.bind(api.set_bio, "SSL_set_bio");
    loader.bind(api.ctrl, "SSL_ctrl");
    loader.bind(api.set_alpn_protos, "SSL_set_alpn_protos");
    loader.bind(api.connect, "SSL_connect");
    loader.bind(api.read, "SSL_read");
    loader.bind(api.write, "SSL_write");
    loader.bind(api.read_ex, "SSL_read_ex");
    loader.bind(api.write_ex, "SSL_write_ex");
    loader.bind(api.get_error, "SSL_get_error");
    loader.bind(api.shutdown, "SSL_shutdown");
    loader.bind(api.bio_new, "BIO_new");
    loader.bind(api.bio_s_mem, "BIO_s_mem");
    loader.bind(api.bio_read, "BIO_read");
    loader.bind(api.bio_write, "BIO_write");
    loader.bind(api.bio_ctrl_pending, "BIO_ctrl_pending");
    if (!loader.missing().empty()) return base::error(path + " has no " + loader.missing());
    return api;
}

}  // namespace llmsnoop::support
