// multipart/form-data.
#include "tests/fuzz/framing_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::model::Framing;
    return llmsnoop::fuzz::check_framing(Framing::multipart, "multipart/form-data; boundary=XY", data, size);
}
