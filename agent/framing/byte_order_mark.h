#pragma once
// Passes over one UTF-8 byte order mark at the beginning of a stream, wherever the stream is cut.
#include <array>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

class ByteOrderMark {
 public:
    bool passed() const { return passed_; }
    void abandon() { passed_ = true; }  // the beginning of the stream is missing

    // Takes what belongs to the mark off the front of `bytes`. Returns the bytes that looked like the beginning of a
    // mark in earlier calls but turned out to be text: they come before what is left of `bytes`. Not to be called once
    // passed.
    base::Bytes pass(base::Bytes& bytes) {
        while (!bytes.empty()) {
            if (bytes.front() != kMark[matched_]) {
                passed_ = true;
                return base::Bytes(kMark).first(matched_);
            }
            bytes = bytes.subspan(1);
            if (++matched_ == kMark.size()) {
                passed_ = true;
                return {};
            }
        }
        return {};
    }

 private:
    static constexpr std::array<std::uint8_t, 3> kMark{0xEF, 0xBB, 0xBF};

    std::size_t matched_ = 0;
    bool passed_ = false;
};

}  // namespace llmsnoop::framing
