// Cohere, both versions.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/v2/chat", "api.cohere.com", "text/event-stream", ""},
        {"POST", "/v1/chat", "api.cohere.com", "application/stream+json", "{\"message\":\"x\"}"},
        {"POST", "/v1/generate", "api.cohere.com", "application/json", ""},
        {"POST", "/v2/embed", "api.cohere.com", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
