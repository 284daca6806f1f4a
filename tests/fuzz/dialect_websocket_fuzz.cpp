// Dialects on WebSockets: Responses with lanes, Realtime, Gemini Live.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"GET", "/v1/responses", "api.openai.com", "", ""},
        {"GET", "/v1/realtime?model=m", "api.openai.com", "", ""},
        {"GET", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "x", "", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
