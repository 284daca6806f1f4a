#pragma once
// The tokens of one encoding, found by their bytes. Built once from the embedded table; then immutable and free to
// share between threads. Costs about 13 MB for o200k_base and 7 MB for cl100k_base, in memory only once it is asked
// for.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/endian.h"
#include "agent/tokens/encoding.h"

namespace llmsnoop::tokens {

using Rank = std::uint32_t;
inline constexpr Rank kNoRank = UINT32_MAX;

class Vocabulary {
 public:
    // The vocabulary of an encoding; the first call builds it, in some 15 ms, and may come from any thread.
    static const Vocabulary& of(Encoding encoding);

    Vocabulary(const Vocabulary&) = delete;
    Vocabulary& operator=(const Vocabulary&) = delete;

    std::size_t size() const { return starts_.size() - 1; }
    std::string_view token(Rank rank) const {
        return std::string_view(bytes_).substr(starts_[rank], starts_[rank + 1] - starts_[rank]);
    }

    // A token of up to 15 bytes, zero-padded, its size in the top byte: never zero, so zero is the empty slot.
    struct Key {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        friend bool operator==(const Key&, const Key&) = default;
    };
    static constexpr std::size_t kShort = 15;

    // The key of [at, at + size), 0 < size <= kShort. Up to `end` the text may be read.
    static Key key_of(const char* at, std::size_t size, const char* end);
    static std::uint64_t hash(const Key& key) { return mix(key.low, key.high); }
    void prefetch(const Key& key) const { __builtin_prefetch(&slots_[home_of(key)]); }
    bool contains(const Key& key) const { return slot_of(key) != kNoSlot; }

    // The token that is exactly [at, at + size), or kNoRank; size > 0. Up to `end` the text may be read.
    Rank find(const char* at, std::size_t size, const char* end) const {
        if (size > kShort) return find_long(at, size);
        const std::size_t slot = slot_of(key_of(at, size, end));
        return slot == kNoSlot ? kNoRank : slot_ranks_[slot];
    }
    Rank of_pair(const char* at) const {
        return pair_ranks_[static_cast<std::size_t>(static_cast<std::uint8_t>(at[0])) << 8 |
                           static_cast<std::uint8_t>(at[1])];
    }

 private:
    static constexpr std::size_t kNoSlot = SIZE_MAX;

    explicit Vocabulary(base::Bytes packed);
    bool unpack(base::Bytes packed);
    void index();
    std::size_t home_of(const Key& key) const { return hash(key) >> slot_shift_; }
    std::size_t slot_of(const Key& key) const {
        for (std::size_t slot = home_of(key);; slot = (slot + 1) & (slots_.size() - 1)) {
            if (slots_[slot] == key) return slot;
            if (slots_[slot] == Key{}) return kNoSlot;
        }
    }
    Rank find_long(const char* at, std::size_t size) const;

    // Multiply and fold: two words in, all bits of the 128-bit product out.
    static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15U) * (b ^ 0xe7037ed1a0b428dbU);
        return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
    }
    static std::uint64_t hash_long(const char* at, std::size_t size);

    std::string bytes_;                  // all tokens, by rank
    std::vector<std::uint32_t> starts_;  // where each begins, and the end of the last
    std::vector<Key> slots_;             // open addressing, linear probing, at most half full
    std::vector<Rank> slot_ranks_;
    std::vector<Rank> long_slots_;  // the same for longer tokens, compared in bytes_
    std::vector<Rank> pair_ranks_;  // of the 65,536 two-byte strings
    unsigned slot_shift_ = 0;
    std::size_t longest_ = 0;
};

inline Vocabulary::Key Vocabulary::key_of(const char* at, std::size_t size, const char* end) {
    constexpr std::array<std::uint64_t, 9> kMasks = {
        0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, 0xffffffffffffffff};
    Key key;
    if (end - at >= 16) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
        key.low = base::load_le<std::uint64_t>(bytes) & kMasks[size < 8 ? size : 8];
        key.high = base::load_le<std::uint64_t>(bytes + 8) & kMasks[size < 8 ? 0 : size - 8];
    } else {
        std::memcpy(&key.low, at, size < 8 ? size : 8);
        if (size > 8) std::memcpy(&key.high, at + 8, size - 8);
    }
    key.high |= static_cast<std::uint64_t>(size) << 56;
    return key;
}

}  // namespace llmsnoop::tokens
