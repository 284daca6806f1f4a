#pragma once
// The tape: the agent's own file format for what a capture source delivered, written by `record` and read by `replay`.
//
//   file   = magic[8] version:u16 reserved:u16 size:u32 header[size] crc:u32           crc of header[]
//   header = created:i64 (Unix ns), node and agent version: each size:u16 and text
//   block  = magic[8] flags:u32 stored:u32 plain:u32 base_time:i64 body_crc:u32 head_crc:u32 body[stored]
//   body   = records, compressed as one zstd frame if flag 1 is set; `plain` is its size before
//   record = size:u32 kind:u8 fields                                                   see tape_codec.h
//
// All numbers are little-endian, all checksums CRC-32 (that of zlib). head_crc covers the block's head before it, so
// that a length is believed only if it is what was written; a reader that finds damage looks for the next block's
// magic. A block stands for itself: one that was written whole can be read, whatever became of the process or of the
// rest of the file.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/base/bytes.h"
#include "agent/base/clock.h"

namespace llmsnoop::capture {

// What a tape says about itself.
struct TapeHeader {
    base::Time created;
    std::string node;
    std::string agent_version;

    friend bool operator==(const TapeHeader&, const TapeHeader&) = default;
};

struct TapeFormat {
    // Neither text nor UTF-8, and it shows whether line ends were converted on the way (the idea is PNG's).
    static constexpr std::array<std::uint8_t, 8> kMagic{0x8c, 'L', 'S', 'T', '\r', '\n', 0x1a, '\n'};
    static constexpr std::array<std::uint8_t, 8> kBlockMagic{0x8d, 'L', 'S', 'B', 0xf4, 0x06, 0xe7, 0x1b};
    static constexpr std::uint16_t kVersion = 1;

    static constexpr std::size_t kFileHead = 16;
    static constexpr std::size_t kHeader = 2048;  // at most
    static constexpr std::size_t kBlockHead = 36;
    static constexpr std::uint32_t kCompressed = 1;
    static constexpr std::uint32_t kBlock = 16U << 20;  // stored or plain, at most
    static constexpr std::size_t kChunk = 4U << 20;     // payload in one record, at most: longer chunks are cut
};

std::uint32_t tape_crc(base::Bytes bytes);

}  // namespace llmsnoop::capture
