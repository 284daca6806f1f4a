/*
 * What the first bytes of a connection say about it. Nothing else is known in the kernel about protocols: this keeps
 * the bytes of TLS and of databases out of the rings, and user space does the rest.
 */
#pragma once

#include "bpf/lib/base.bpf.h"

#define FIRST_BYTES 8

/* Up to eight bytes as a number, the first in the lowest byte, as a little-endian load gives them. */
#define TEXT_1(text)   ((__u64)(__u8)(text)[0])
#define TEXT_2(text)   (TEXT_1(text) | (__u64)(__u8)(text)[1] << 8)
#define TEXT_3(text)   (TEXT_2(text) | (__u64)(__u8)(text)[2] << 16)
#define TEXT_4(text)   (TEXT_3(text) | (__u64)(__u8)(text)[3] << 24)
#define TEXT_5(text)   (TEXT_4(text) | (__u64)(__u8)(text)[4] << 32)
#define TEXT_6(text)   (TEXT_5(text) | (__u64)(__u8)(text)[5] << 40)
#define TEXT_7(text)   (TEXT_6(text) | (__u64)(__u8)(text)[6] << 48)
#define TEXT_8(text)   (TEXT_7(text) | (__u64)(__u8)(text)[7] << 56)
#define MASK_OF(count) (~0ULL >> (64 - 8 * (count)))
/* Do the bytes, or as many as there are, begin like `text`, which is `count` bytes long? */
#define LIKE(count, text) (((bytes ^ TEXT_##count(text)) & MASK_OF(count) & there) == 0)

/*
 * The server's half of HTTP/2's preface (RFC 9113 section 3.4), which need not wait for the client's: the header of a
 * SETTINGS frame (section 6.5), of a multiple of six bytes, without flags, on stream 0.
 */
static __always_inline int looks_like_settings(__u64 bytes, __u32 count)
{
    return count >= FIRST_BYTES && (bytes & ~0xff0000ULL) == 4ULL << 24 && (bytes >> 16 & 0xff) % 6 == 0;
}

/*
 * `count` bytes, at least one: the beginning of a request or a response of HTTP/1 (RFC 9112 section 3 and 4), or of one
 * of the prefaces of HTTP/2?
 */
static __always_inline int looks_like_http(__u64 bytes, __u32 count)
{
    __u64 there = count >= FIRST_BYTES ? ~0ULL : (1ULL << (8 * (count & 7))) - 1;

    return LIKE(5, "POST ") || LIKE(4, "GET ") || LIKE(7, "HTTP/1.") || LIKE(8, "PRI * HT") || LIKE(5, "HEAD ") ||
           LIKE(4, "PUT ") || LIKE(7, "DELETE ") || LIKE(8, "OPTIONS ") || LIKE(6, "PATCH ") || LIKE(8, "CONNECT ") ||
           LIKE(6, "TRACE ") || looks_like_settings(bytes, count);
}

/*
 * The header of a TLS record (RFC 8446 section 5.1): type, version, and a length of at most 2^14 + 2048 bytes (RFC 5246
 * section 6.2.3), which is how much of it there is unless it is the first read of a header by itself.
 */
static __always_inline int looks_like_tls(__u64 bytes, __u32 count)
{
    __u32 type = bytes & 0xff, major = bytes >> 8 & 0xff, minor = bytes >> 16 & 0xff;
    __u32 length = (bytes >> 24 & 0xff) << 8 | (bytes >> 32 & 0xff);

    return count >= 5 && type >= 0x14 && type <= 0x17 && major == 3 && minor <= 4 && length <= 16384 + 2048;
}

/* A handshake record with a ClientHello (RFC 8446 section 4), which is shorter than 64 KiB. */
static __always_inline int looks_like_client_hello(__u64 bytes, __u32 count)
{
    return count >= FIRST_BYTES && looks_like_tls(bytes, count) && (bytes & 0xff) == 0x16 &&
           (bytes >> 40 & 0xffff) == 0x0001;
}
