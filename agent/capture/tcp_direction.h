#pragma once
// One direction of a TCP connection: where its segments lie in the stream, as 64-bit offsets out of the 32-bit sequence
// numbers of RFC 9293, which wrap around every 4 GB.
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace llmsnoop::capture {

class TcpDirection {
 public:
    // Offsets of a direction whose beginning was not seen are counted from here, so that a segment from before the
    // first one seen has an offset too. Half of the sequence space, which is as far back as a sequence number can
    // point.
    static constexpr std::uint64_t kJoinedAt = std::uint64_t{1} << 31;

    // The byte with this sequence number lies at `offset`. Only once, or as long as nothing else has been told.
    void begin(std::uint32_t sequence, std::uint64_t offset);
    bool begun() const { return begun_; }

    // The sequence number given to `begin`.
    std::uint32_t first() const { return first_; }

    // Where a sequence number lies: the candidate nearest to the highest one seen. Negative: before the beginning.
    std::int64_t place(std::uint32_t sequence) const;

    // These bytes were seen.
    void saw(std::uint64_t begin, std::uint64_t end);

    // The other end has received everything before this sequence number: not believed if that is further ahead of what
    // was seen than a receiver's buffer is large.
    void acknowledge(std::uint32_t sequence);
    // Up to where bytes that were not seen will not be sent again, if any are missing before it: [contiguous(), ...).
    std::optional<std::uint64_t> missing_until() const;

    // Every byte before this offset was seen.
    std::uint64_t contiguous() const { return contiguous_; }
    // Nothing before `offset` is waited for.
    void forget_before(std::uint64_t offset);

    // The length of the stream, once a FIN has told it. A FIN that contradicts what was seen is not believed: false.
    bool end_at(std::uint64_t length);
    std::optional<std::uint64_t> length() const { return length_; }
    bool whole() const { return length_ && contiguous_ >= *length_; }

 private:
    // Beyond so many islands of bytes behind a hole their details are given up: the stream then counts as not whole.
    static constexpr std::size_t kIslands = 32;

    void absorb_islands();

    bool begun_ = false;
    std::uint32_t first_ = 0;
    std::uint32_t near_sequence_ = 0;  // the highest byte seen ...
    std::uint64_t near_offset_ = 0;    // ... and its place
    std::uint64_t contiguous_ = 0;
    std::uint64_t highest_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::optional<std::uint64_t> length_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> islands_;  // [begin, end) beyond contiguous_; sorted, disjoint
};

}  // namespace llmsnoop::capture
