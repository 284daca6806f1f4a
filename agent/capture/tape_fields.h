#pragma once
// The fields of a tape record, one by one.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"

namespace llmsnoop::capture {

class TapeFieldWriter {
 public:
    explicit TapeFieldWriter(std::string& out) : out_(out) {}

    void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7)
            byte(static_cast<std::uint8_t>(value | 0x80));
        byte(static_cast<std::uint8_t>(value));
    }
    void signed_number(std::int64_t value) {
        number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    void text(std::string_view value) {
        number(value.size());
        out_.append(value);
    }

 private:
    std::string& out_;
};

// Once a field reaches beyond the record or makes no sense, `ok` is false and every field is zero.
class TapeFieldReader {
 public:
    explicit TapeFieldReader(base::Bytes bytes) : bytes_(bytes) {}

    bool ok() const { return ok_; }
    bool at_end() const { return bytes_.empty(); }
    base::Bytes rest() const { return bytes_; }

    std::uint8_t byte() {
        const base::Bytes one = take(1);
        return one.empty() ? 0 : one[0];
    }
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && ok_; shift += 7) {
            const std::uint8_t part = byte();
            if (shift == 63 && part > 1) break;
            value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
            if (part < 0x80) return ok_ ? value : 0;
        }
        fail();
        return 0;
    }
    std::int64_t signed_number() {
        const std::uint64_t value = number();
        return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    base::Bytes take(std::uint64_t size) {
        if (!ok_ || size > bytes_.size()) {
            fail();
            return {};
        }
        const base::Bytes out = bytes_.first(static_cast<std::size_t>(size));
        bytes_ = bytes_.subspan(out.size());
        return out;
    }
    std::string text() { return std::string(base::as_text(take(number()))); }
    void fail() {
        ok_ = false;
        bytes_ = {};
    }

 private:
    base::Bytes bytes_;
    bool ok_ = true;
};

}  // namespace llmsnoop::capture
