/*
 * BoringSSL, in executables without symbols: SSL_read(ssl, buf, num) and SSL_write return the number of bytes, 0 is the
 * end of what the peer sends (a read) and -1 anything else, a retry among them. Nothing else of it is found there, so a
 * connection begins when it is first seen, and ends when its socket changes (conn.bpf.h) or its process does.
 */
#include "bpf/lib/tls_call.bpf.h"

IO_PROGRAMS(boringssl, read, LENGTH_RETURNED, WIRE_RECEIVED, ZERO_ENDS, WIRE_LIBRARY_BORINGSSL)
IO_PROGRAMS(boringssl, write, LENGTH_RETURNED, WIRE_SENT, ZERO_FAILS, WIRE_LIBRARY_BORINGSSL)
