#pragma once
// Fixed-order integer loads from unaligned bytes. The caller has checked that the bytes are there.
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace llmsnoop::base {

static_assert(std::endian::native == std::endian::little, "loads below assume a little-endian host");

template <std::unsigned_integral T>
T load_le(const std::uint8_t* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

template <std::unsigned_integral T>
T load_be(const std::uint8_t* at) {
    T value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(static_cast<T>(value << 8) | at[i]);
    return value;
}

template <std::unsigned_integral T>
void store_le(std::uint8_t* at, T value) {
    std::memcpy(at, &value, sizeof value);
}

}  // namespace llmsnoop::base
