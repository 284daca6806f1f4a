#pragma once
// Who speaks, by the first bytes seen of a connection whose beginning was not seen.
#include <cstdint>

#include "agent/base/bytes.h"

namespace llmsnoop::capture {

enum class FirstBytes : std::uint8_t {
    request,   // an HTTP/1 request line, or the preface that an HTTP/2 client begins with
    response,  // an HTTP/1 status line
    unknown,
};

FirstBytes kind_of_first_bytes(base::Bytes payload);

}  // namespace llmsnoop::capture
