#pragma once
// A program as the loader would place it, for those who look for TLS code without symbols: views of its segments, and
// what lies at an address. The contents are hostile: nothing here trusts an address, and nothing is copied.
//
// Not thread-safe. The bytes belong to whoever made the segments (ElfFile) and must outlive the image.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"

namespace llmsnoop::capture::live::stripped {

struct Segment {
    std::uint64_t address = 0;
    base::Bytes bytes;
    bool executable = false;
};

class Image {
 public:
    // More than these is refused (`fits`): the time that an analysis takes grows with them.
    static constexpr std::size_t kMaxSegments = 64;
    static constexpr std::uint64_t kMaxBytes = 1ULL << 30;
    static constexpr std::uint64_t kMaxCodeBytes = 256ULL << 20;

    // Addresses of tables that a program may have: .eh_frame_hdr, and the dynamic section.
    struct Tables {
        std::optional<std::uint64_t> unwind;
        std::optional<std::uint64_t> dynamic;
    };

    explicit Image(std::vector<Segment> segments, Tables tables = {});

    bool fits() const;

    const std::vector<Segment>& segments() const { return segments_; }
    const Tables& tables() const { return tables_; }

    // Up to `size` bytes at an address; shorter, or empty, where its segment ends.
    base::Bytes at(std::uint64_t address, std::size_t size) const;
    base::Bytes code_at(std::uint64_t address, std::size_t size) const;

    // The NUL-terminated text at an address, if it is there and not longer than `limit`.
    std::optional<std::string_view> text_at(std::uint64_t address, std::size_t limit) const;

    // Does this text occur anywhere?
    bool holds(std::string_view text) const;

    // Where NUL-terminated texts with this ending begin; at most `limit` of them.
    std::vector<std::uint64_t> texts_ending_in(std::string_view ending, std::size_t limit) const;

 private:
    const Segment* segment_of(std::uint64_t address) const;

    std::vector<Segment> segments_;
    Tables tables_;
};

}  // namespace llmsnoop::capture::live::stripped
