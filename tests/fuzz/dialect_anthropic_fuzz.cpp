// Anthropic's dialects, also on Vertex.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/v1/messages", "api.anthropic.com", "text/event-stream", ""},
        {"POST", "/v1/complete", "api.anthropic.com", "text/event-stream", ""},
        {"POST", "/v1/messages/count_tokens", "api.anthropic.com", "application/json", ""},
        {"POST", "/v1/publishers/anthropic/models/m:rawPredict", "aiplatform.googleapis.com", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
