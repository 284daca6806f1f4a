#pragma once
// Finds the end of a JSON object, array or string without parsing it: counts brackets outside of strings. The text may
// come in any pieces. Brackets are counted, not matched: of text that is no JSON it only promises to be bounded and
// linear.
#include <cstddef>
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::framing {

class JsonNesting {
 public:
    // `bytes` begins where the last call ended, the first time with the value's '{', '[' or '"'. Returns how many bytes
    // belong to the value; all of them unless it is then done.
    std::size_t follow(base::Bytes bytes);

    // The value is over; the next call to follow() begins another.
    bool done() const { return depth_ == 0 && string_ == String::none; }

 private:
    enum class String : std::uint8_t { none, inside, after_backslash };

    std::size_t depth_ = 0;
    String string_ = String::none;
};

}  // namespace llmsnoop::framing
