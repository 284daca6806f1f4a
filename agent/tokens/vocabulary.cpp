#include "agent/tokens/vocabulary.h"

#include <zstd.h>

#include <bit>

#include "agent/tokens/embedded_data.h"

namespace llmsnoop::tokens {

std::uint64_t Vocabulary::hash_long(const char* at, std::size_t size) {
    std::uint64_t hash = size;
    while (size >= 8) {
        hash = mix(hash, base::load_le<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(at)));
        at += 8;
        size -= 8;
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, at, size);
    return mix(hash, rest);
}

const Vocabulary& Vocabulary::of(Encoding encoding) {
    if (encoding == Encoding::cl100k_base) {
        static const Vocabulary cl100k(embedded_ranks(Encoding::cl100k_base));
        return cl100k;
    }
    static const Vocabulary o200k(embedded_ranks(Encoding::o200k_base));
    return o200k;
}

Vocabulary::Vocabulary(base::Bytes packed) {
    if (!unpack(packed)) {
        // The data is part of the program, so this is a build fault that the unit tests catch. Every lookup then
        // fails, and a byte counts as a token.
        bytes_.clear();
        starts_.assign(1, 0);
    }
    index();
}

bool Vocabulary::unpack(base::Bytes packed) {
    const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size < 4 || size > (8U << 20))
        return false;
    bytes_.resize(size);
    if (ZSTD_decompress(bytes_.data(), bytes_.size(), packed.data(), packed.size()) != size) return false;
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes_.data());
    const std::size_t count = base::load_le<std::uint32_t>(data);
    if (size - 4 < count) return false;
    starts_.reserve(count + 1);
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
        starts_.push_back(at);
        at += data[4 + i];
    }
    starts_.push_back(at);
    bytes_.erase(0, 4 + count);
    bytes_.shrink_to_fit();
    return bytes_.size() == at;
}

void Vocabulary::index() {
    pair_ranks_.assign(1 << 16, kNoRank);
    std::size_t short_count = 0;
    for (Rank rank = 0; rank < size(); ++rank)
        short_count += token(rank).size() <= kShort ? 1 : 0;
    slots_.resize(std::bit_ceil(2 * short_count + 2));
    slot_ranks_.resize(slots_.size());
    slot_shift_ = 64U - static_cast<unsigned>(std::countr_zero(slots_.size()));
    long_slots_.assign(std::bit_ceil(2 * (size() - short_count) + 2), kNoRank);
    const char* const end = bytes_.data() + bytes_.size();
    for (Rank rank = 0; rank < size(); ++rank) {
        const std::string_view text = token(rank);
        longest_ = text.size() > longest_ ? text.size() : longest_;
        if (text.size() > kShort) {
            std::size_t slot = hash_long(text.data(), text.size()) & (long_slots_.size() - 1);
            while (long_slots_[slot] != kNoRank)
                slot = (slot + 1) & (long_slots_.size() - 1);
            long_slots_[slot] = rank;
            continue;
        }
        if (text.empty()) continue;
        if (text.size() == 2) {
            pair_ranks_[static_cast<std::size_t>(static_cast<std::uint8_t>(text[0])) << 8 |
                        static_cast<std::uint8_t>(text[1])] = rank;
        }
        const Key key = key_of(text.data(), text.size(), end);
        std::size_t slot = home_of(key);
        while (slots_[slot] != Key{})
            slot = (slot + 1) & (slots_.size() - 1);
        slots_[slot] = key;
        slot_ranks_[slot] = rank;
    }
}

Rank Vocabulary::find_long(const char* at, std::size_t size) const {
    if (size > longest_) return kNoRank;
    for (std::size_t slot = hash_long(at, size);; ++slot) {
        const Rank rank = long_slots_[slot & (long_slots_.size() - 1)];
        if (rank == kNoRank || token(rank) == std::string_view(at, size)) return rank;
    }
}

}  // namespace llmsnoop::tokens
