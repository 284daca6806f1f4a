#pragma once
// SHA-256 (FIPS 180-4) by libcrypto, incremental. Not thread-safe; one object per message.
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/bytes.h"

namespace llmsnoop::base {

class Sha256 {
 public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(Bytes bytes);
    void update(std::string_view text) { update(as_bytes(text)); }
    std::uint64_t size() const { return size_; }  // bytes hashed so far

    // 64 lower-case hexadecimal digits. Ends the message: nothing may be added afterwards.
    std::string finish_hex();

 private:
    struct Context;
    std::unique_ptr<Context> context_;
    std::uint64_t size_ = 0;
};

std::string sha256_hex(std::string_view text);
std::string to_hex(Bytes bytes);

}  // namespace llmsnoop::base
