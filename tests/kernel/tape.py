"""Reads the bytes that a tape holds, without llmsnoop: what is on the disk is what somebody who gets hold of it can read.

The format is told in agent/capture/tape_format.h.
"""
import ctypes
import struct
import zlib

MAGIC = bytes.fromhex("8c4c53540d0a1a0a")
BLOCK_MAGIC = bytes.fromhex("8d4c5342f406e71b")
BLOCK_HEAD = struct.Struct("<8sIIIqII")
COMPRESSED = 1


def decompress(body, size):
    zstd = ctypes.CDLL("libzstd.so.1")  # which llmsnoop is linked with; Debian 12's Python has no module for it
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    zstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    plain = ctypes.create_string_buffer(size)
    got = zstd.ZSTD_decompress(plain, size, body, len(body))
    if got != size:
        raise ValueError("a block does not decompress to the size that it states")
    return plain.raw


def plain_blocks(data):
    """The records of each block, as bytes. Anything that is not as the format says is an error."""
    if data[:8] != MAGIC:
        raise ValueError("no tape")
    at = 16 + struct.unpack_from("<I", data, 12)[0] + 4
    blocks = []
    while at < len(data):
        magic, flags, stored, plain, _, body_crc, head_crc = BLOCK_HEAD.unpack_from(data, at)
        if magic != BLOCK_MAGIC or zlib.crc32(data[at:at + BLOCK_HEAD.size - 4]) != head_crc:
            raise ValueError(f"no block at {at}")
        body = data[at + BLOCK_HEAD.size:at + BLOCK_HEAD.size + stored]
        if zlib.crc32(body) != body_crc:
            raise ValueError(f"a damaged block at {at}")
        blocks.append(decompress(body, plain) if flags & COMPRESSED else body)
        at += BLOCK_HEAD.size + stored
    return blocks
