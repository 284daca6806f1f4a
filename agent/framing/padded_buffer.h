#pragma once
// A byte buffer that grows by doubling and always keeps kPadding readable bytes behind its contents, so that a SIMD
// parser (simdjson asks for 64) may read past the end. What the padding holds is unspecified.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

class PaddedBuffer {
 public:
    static constexpr std::size_t kPadding = 64;
    static constexpr std::size_t kKept = 1U << 20;

    // `bytes` must not lie in this buffer.
    void append(base::Bytes bytes) {
        if (bytes.empty()) return;
        if (capacity_ - size_ < bytes.size()) grow(bytes.size());
        std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    // Keeps the memory for what comes next, unless it is a lot.
    void clear() {
        size_ = 0;
        if (capacity_ <= kKept) return;
        data_.reset();
        capacity_ = 0;
    }

    base::Bytes view() const { return {data_.get(), size_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return capacity_; }

 private:
    void grow(std::size_t more) {
        const std::size_t capacity = std::max({capacity_ * 2, size_ + more, std::size_t{256}});
        auto data = std::make_unique_for_overwrite<std::uint8_t[]>(capacity + kPadding);
        if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
        data_ = std::move(data);
        capacity_ = capacity;
    }

    std::unique_ptr<std::uint8_t[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace llmsnoop::framing
