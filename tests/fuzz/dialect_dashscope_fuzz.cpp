// DashScope's own API.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/api/v1/services/aigc/text-generation/generation", "dashscope.aliyuncs.com", "text/event-stream", ""},
        {"POST", "/api/v1/services/embeddings/text-embedding/text-embedding", "dashscope.aliyuncs.com",
         "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
