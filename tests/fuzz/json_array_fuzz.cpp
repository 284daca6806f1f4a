// A growing JSON array.
#include "tests/fuzz/framing_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::model::Framing;
    return llmsnoop::fuzz::check_framing(Framing::json_array, "", data, size);
}
