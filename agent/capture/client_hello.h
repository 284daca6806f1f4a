#pragma once
// The server's name in the first bytes that a TLS client sends (RFC 8446 section 4.1.2, RFC 6066 section 3). Sans-IO; a
// pure function.
#include <optional>
#include <string>

#include "agent/base/bytes.h"

namespace llmsnoop::capture {

// `bytes` begin with the header of a TLS record and may be cut anywhere. The name is in lower case and without a dot at
// its end; empty if the client asks for none. Nothing, if the bytes do not tell: they are no ClientHello, are cut
// before the name, spread it over several records (which is allowed and hardly done), or hold a name that is none.
std::optional<std::string> server_name_of(base::Bytes bytes);

}  // namespace llmsnoop::capture
