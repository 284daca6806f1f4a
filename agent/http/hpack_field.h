#pragma once
// The outline of one HPACK field representation (RFC 7541 section 6): how long it is and what it refers to, without
// decoding its strings.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/base/bytes.h"

namespace llmsnoop::http {

struct HpackField {
    enum class Kind : std::uint8_t {
        indexed,       // section 6.1: name and value by index
        inserted,      // section 6.2.1: a literal that enters the table
        not_inserted,  // sections 6.2.2 and 6.2.3
        table_size,    // section 6.3
    };

    Kind kind = Kind::indexed;
    std::uint64_t index = 0;   // of the entry referred to; 0: the name is a literal
    std::size_t value_at = 0;  // where the value's length begins
    std::size_t size = 0;
};

// The field at the beginning of `bytes`; nothing if it is cut off or cannot be.
std::optional<HpackField> read_hpack_field(base::Bytes bytes);

}  // namespace llmsnoop::http
