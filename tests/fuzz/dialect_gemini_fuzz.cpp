// Gemini and Vertex over HTTP.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/v1beta/models/m:streamGenerateContent?alt=sse", "generativelanguage.googleapis.com",
         "text/event-stream", ""},
        {"POST", "/v1beta/models/m:generateContent", "generativelanguage.googleapis.com", "application/json", ""},
        {"POST", "/v1beta/models/m:streamGenerateContent", "generativelanguage.googleapis.com", "application/json", ""},
        {"POST", "/v1beta/interactions", "generativelanguage.googleapis.com", "text/event-stream", ""},
        {"POST", "/v1beta/models/m:batchEmbedContents", "generativelanguage.googleapis.com", "application/json", ""},
        {"POST", "/v1/publishers/google/models/m:predict", "aiplatform.googleapis.com", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
