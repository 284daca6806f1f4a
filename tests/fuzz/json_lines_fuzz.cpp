// JSON lines, and with every other input the choice of a framing by the first bytes.
#include "tests/fuzz/framing_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::model::Framing;
    const bool by_first_bytes = size > 0 && (data[0] & 4) != 0;
    return llmsnoop::fuzz::check_framing(by_first_bytes ? Framing::automatic : Framing::json_lines, "", data, size);
}
