#pragma once
// What can be probed in a TLS library, and which kernel programs stand for it. A new family of libraries is a program
// file in bpf/, rows in the table of tls_hooks.cpp, and a finder (tls_finder.h).
#include <cstdint>
#include <string_view>
#include <vector>

struct bpf_program;
struct llmsnoop_bpf;

namespace llmsnoop::capture::live {

// The openssl ones: `read_internal` is the function behind SSL_read and SSL_read_ex, which tells the end of the stream
// from a failure; the one behind SSL_write and SSL_write_ex is like the latter, or has flags before the last argument
// (`write_flags`, from 3.2 on). The go ones: what happens at the return has hooks of its own, because return probes
// would break Go.
enum class TlsHook : std::uint8_t {
    openssl_read,
    openssl_write,
    openssl_read_ex,
    openssl_write_ex,
    openssl_write_flags,
    openssl_read_internal,
    openssl_handshake,
    openssl_new,
    openssl_free,
    openssl_ctrl,
    boringssl_read,
    boringssl_write,
    boringssl_new,
    gnutls_recv,
    gnutls_send,
    gnutls_recv_packet,
    gnutls_uncork,
    gnutls_handshake,
    gnutls_init,
    gnutls_deinit,
    gnutls_server_name_set,
    go_read,
    go_read_return,
    go_write,
    go_write_return,
    go_close,
    go_handshake,
    rustls_encrypt,
    rustls_decrypt,
};

// For messages: the function that is probed.
std::string_view name_of(TlsHook value);

// With a session (Linux 6.13) it alone is attached, otherwise those of the other two that are there.
struct HookPrograms {
    bpf_program* entry = nullptr;
    bpf_program* on_return = nullptr;
    bpf_program* session = nullptr;
};

HookPrograms programs_of(const llmsnoop_bpf& skeleton, TlsHook hook);

const std::vector<TlsHook>& all_tls_hooks();

}  // namespace llmsnoop::capture::live
