#pragma once
// Collects the first bytes of a further gzip member or zstd frame, to tell it from garbage behind the last one.
#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

template <std::size_t kSize>
class MagicMatch {
 public:
    // Takes bytes off the front of `bytes` until the magic is complete. True once it is.
    bool collect(base::Bytes& bytes) {
        while (size_ < kSize && !bytes.empty()) {
            seen_[size_++] = bytes.front();
            bytes = bytes.subspan(1);
        }
        return size_ == kSize;
    }
    base::Bytes seen() const { return base::Bytes(seen_).first(size_); }
    void reset() { size_ = 0; }

 private:
    std::array<std::uint8_t, kSize> seen_{};
    std::size_t size_ = 0;
};

}  // namespace llmsnoop::framing
