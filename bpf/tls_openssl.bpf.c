/*
 * OpenSSL 1.1 and 3 (and what keeps its calling convention).
 *
 * SSL_read(ssl, buf, num) and SSL_write return the number of bytes; SSL_read_ex(ssl, buf, num, *done) and SSL_write_ex
 * return 1 and leave the number behind a pointer, and so do the internal functions behind all four, where probes are
 * cheap (agent/capture/live/probe_site.h). Which programs are used is decided by autoload.
 *
 * Everything is emitted when a call returns: only then is it known how many bytes were read or accepted. A retry after
 * SSL_ERROR_WANT_* passes the same buffer again, and only the call that succeeds counts.
 */
#include "bpf/lib/tls_call.bpf.h"

IO_PROGRAMS(openssl, read, LENGTH_RETURNED, WIRE_RECEIVED, ZERO_ENDS, WIRE_LIBRARY_OPENSSL)
IO_PROGRAMS(openssl, write, LENGTH_RETURNED, WIRE_SENT, ZERO_FAILS, WIRE_LIBRARY_OPENSSL)
IO_PROGRAMS(openssl, read_ex, LENGTH_BEHIND_POINTER, WIRE_RECEIVED, ZERO_FAILS, WIRE_LIBRARY_OPENSSL)
IO_PROGRAMS(openssl, write_ex, LENGTH_BEHIND_POINTER, WIRE_SENT, ZERO_FAILS, WIRE_LIBRARY_OPENSSL)
/* ssl_write_internal from 3.2 on: (ssl, buf, num, flags, *done). */
IO_PROGRAMS(openssl, write_flags, LENGTH_BEHIND_FIFTH, WIRE_SENT, ZERO_FAILS, WIRE_LIBRARY_OPENSSL)
IO_PROGRAMS(openssl, read_internal, LENGTH_BEHIND_POINTER, WIRE_RECEIVED, ZERO_ENDS, WIRE_LIBRARY_OPENSSL)

/* int SSL_do_handshake(SSL *), which SSL_connect and SSL_accept are made of. */
HANDSHAKE_PROGRAMS(openssl)

/* SSL *SSL_new(SSL_CTX *) */
URETPROBE(openssl_new_return)
{
    return object_returned(ctx, WIRE_LIBRARY_OPENSSL);
}

/* void SSL_free(SSL *) */
UPROBE(openssl_free_entry)
{
    return object_freed(ctx);
}

#define SSL_CTRL_SET_TLSEXT_HOSTNAME 55

/* long SSL_ctrl(SSL *, int cmd, long, void *parg): SSL_set_tlsext_host_name is a macro over it. */
UPROBE(openssl_ctrl_entry)
{
    struct connection_key key = {};

    if ((int)PT_REGS_PARM2(ctx) != SSL_CTRL_SET_TLSEXT_HOSTNAME || !key_of_object(&key, PT_REGS_PARM1(ctx)))
        return 0;
    emit_server_name(&key, PT_REGS_PARM4(ctx), WIRE_NAME_MAX);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
