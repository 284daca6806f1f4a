#include "agent/capture/live/tls_hooks.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <array>

#include "bpf/shared/knobs.h"
#include "bpf/shared/wire.h"
// The skeleton uses the types of the two headers above.
#include "llmsnoop.skel.h"

namespace llmsnoop::capture::live {

namespace {

using Programs = decltype(llmsnoop_bpf::progs);
using Program = bpf_program* Programs::*;

struct Row {
    TlsHook hook;
    std::string_view function;
    Program entry, on_return, session;  // absent: nullptr
};

// Entry, return and session of one function, as the macros of bpf/lib/tls_call.bpf.h name them.
#define CALL_PROGRAMS(name) &Programs::name##_entry, &Programs::name##_return, &Programs::name##_session

constexpr std::array kRows{
    Row{TlsHook::openssl_read, "SSL_read", CALL_PROGRAMS(openssl_read)},
    Row{TlsHook::openssl_write, "SSL_write", CALL_PROGRAMS(openssl_write)},
    Row{TlsHook::openssl_read_ex, "SSL_read_ex", CALL_PROGRAMS(openssl_read_ex)},
    Row{TlsHook::openssl_write_ex, "SSL_write_ex", CALL_PROGRAMS(openssl_write_ex)},
    Row{TlsHook::openssl_write_flags, "ssl_write_internal", CALL_PROGRAMS(openssl_write_flags)},
    Row{TlsHook::openssl_read_internal, "ssl_read_internal", CALL_PROGRAMS(openssl_read_internal)},
    Row{TlsHook::openssl_handshake, "SSL_do_handshake", CALL_PROGRAMS(openssl_handshake)},
    Row{TlsHook::openssl_new, "SSL_new", nullptr, &Programs::openssl_new_return, nullptr},
    Row{TlsHook::openssl_free, "SSL_free", &Programs::openssl_free_entry, nullptr, nullptr},
    Row{TlsHook::openssl_ctrl, "SSL_ctrl", &Programs::openssl_ctrl_entry, nullptr, nullptr},
    Row{TlsHook::boringssl_read, "SSL_read", CALL_PROGRAMS(boringssl_read)},
    Row{TlsHook::boringssl_write, "SSL_write", CALL_PROGRAMS(boringssl_write)},
    Row{TlsHook::boringssl_new, "SSL_new", nullptr, &Programs::boringssl_new_return, nullptr},
    Row{TlsHook::gnutls_recv, "gnutls_record_recv", CALL_PROGRAMS(gnutls_recv)},
    Row{TlsHook::gnutls_send, "gnutls_record_send", CALL_PROGRAMS(gnutls_send)},
    Row{TlsHook::gnutls_recv_packet, "gnutls_record_recv_packet", CALL_PROGRAMS(gnutls_recv_packet)},
    Row{TlsHook::gnutls_uncork, "gnutls_record_uncork", CALL_PROGRAMS(gnutls_uncork)},
    Row{TlsHook::gnutls_handshake, "gnutls_handshake", CALL_PROGRAMS(gnutls_handshake)},
    Row{TlsHook::gnutls_init, "gnutls_init", CALL_PROGRAMS(gnutls_init)},
    Row{TlsHook::gnutls_deinit, "gnutls_deinit", &Programs::gnutls_deinit_entry, nullptr, nullptr},
    Row{TlsHook::gnutls_server_name_set, "gnutls_server_name_set", &Programs::gnutls_server_name_set_entry, nullptr,
        nullptr},
    Row{TlsHook::go_read, "crypto/tls.(*Conn).Read", &Programs::go_read_entry, nullptr, nullptr},
    Row{TlsHook::go_read_return, "crypto/tls.(*Conn).Read", &Programs::go_read_return, nullptr, nullptr},
    Row{TlsHook::go_write, "crypto/tls.(*Conn).Write", &Programs::go_write_entry, nullptr, nullptr},
    Row{TlsHook::go_write_return, "crypto/tls.(*Conn).Write", &Programs::go_write_return, nullptr, nullptr},
    Row{TlsHook::go_close, "crypto/tls.(*Conn).Close", &Programs::go_close_entry, nullptr, nullptr},
    Row{TlsHook::go_handshake, "crypto/tls.(*Conn).clientHandshake", &Programs::go_handshake_entry, nullptr, nullptr},
    Row{TlsHook::rustls_encrypt, "MessageEncrypter::encrypt", CALL_PROGRAMS(rustls_encrypt)},
    Row{TlsHook::rustls_decrypt, "MessageDecrypter::decrypt", CALL_PROGRAMS(rustls_decrypt)},
};

#undef CALL_PROGRAMS

const Row& row_of(TlsHook hook) {
    return *std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) { return one.hook == hook; });
}

bpf_program* program_at(const llmsnoop_bpf& skeleton, Program which) {
    return which == nullptr ? nullptr : skeleton.progs.*which;
}

}  // namespace

std::string_view name_of(TlsHook value) {
    return row_of(value).function;
}

HookPrograms programs_of(const llmsnoop_bpf& skeleton, TlsHook hook) {
    const Row& row = row_of(hook);
    return {program_at(skeleton, row.entry), program_at(skeleton, row.on_return), program_at(skeleton, row.session)};
}

const std::vector<TlsHook>& all_tls_hooks() {
    static const std::vector<TlsHook> all = [] {
        std::vector<TlsHook> out;
        out.reserve(kRows.size());
        for (const Row& row : kRows)
            out.push_back(row.hook);
        return out;
    }();
    return all;
}

}  // namespace llmsnoop::capture::live
