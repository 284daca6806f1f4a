// Ollama's own API.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/api/chat", "localhost:11434", "application/x-ndjson", ""},
        {"POST", "/api/generate", "localhost:11434", "application/x-ndjson", ""},
        {"POST", "/api/embed", "localhost:11434", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
