// OpenAI's HTTP dialects.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/v1/chat/completions", "api.openai.com", "text/event-stream", ""},
        {"POST", "/v1/completions", "api.openai.com", "text/event-stream", ""},
        {"POST", "/v1/responses", "api.openai.com", "text/event-stream", ""},
        {"GET", "/v1/responses/resp_1", "api.openai.com", "application/json", ""},
        {"POST", "/v1/responses/input_tokens", "api.openai.com", "application/json", ""},
        {"POST", "/openai/deployments/d/chat/completions", "x.openai.azure.com", "text/event-stream", ""},
        {"POST", "/v1/images/generations", "api.openai.com", "application/json", ""},
        {"POST", "/v1/audio/transcriptions", "api.openai.com", "text/event-stream", ""},
        {"POST", "/v1/moderations", "api.openai.com", "application/json", ""},
        {"POST", "/v1/threads/t/runs", "api.openai.com", "text/event-stream", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
