// The native APIs of inference servers.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/generate_stream", "tgi", "text/event-stream", "{\"inputs\":\"x\",\"parameters\":{}}"},
        {"POST", "/completion", "llamacpp:8080", "text/event-stream", "{\"prompt\":\"x\"}"},
        {"POST", "/generate", "sglang", "text/event-stream", "{\"text\":\"x\",\"sampling_params\":{}}"},
        {"POST", "/v2/models/m/generate_stream", "triton:8000", "text/event-stream", "{\"text_input\":\"x\"}"},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
