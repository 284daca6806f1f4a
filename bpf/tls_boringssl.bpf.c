/*
 * BoringSSL, in executables without symbols: SSL_read(ssl, buf, num) and SSL_write return the number of bytes, 0 is the
 * end of what the peer sends (a read) and -1 anything else, a retry among them. SSL_free is not found there and SSL_new
 * not always, so a connection begins when it is first seen, and ends when its socket changes (conn.bpf.h), when another
 * object is made at its address, or with its process.
 */
#include "bpf/lib/tls_call.bpf.h"

IO_PROGRAMS(boringssl, read, LENGTH_RETURNED, WIRE_RECEIVED, ZERO_ENDS, WIRE_LIBRARY_BORINGSSL)
IO_PROGRAMS(boringssl, write, LENGTH_RETURNED, WIRE_SENT, ZERO_FAILS, WIRE_LIBRARY_BORINGSSL)

/* SSL *SSL_new(SSL_CTX *) */
URETPROBE(boringssl_new_return)
{
    return object_returned(ctx, WIRE_LIBRARY_BORINGSSL);
}
