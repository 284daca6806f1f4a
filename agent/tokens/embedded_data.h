#pragma once
// The files of data/ that are part of the program, so that there is nothing to install or to go missing.
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/tokens/encoding.h"

namespace llmsnoop::tokens {

// A rank table: zstd, laid out as tools/make_ranks.mjs says.
base::Bytes embedded_ranks(Encoding encoding);

// prices.json.
std::string_view embedded_prices();

}  // namespace llmsnoop::tokens
