// Files of batch results.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"GET", "/v1/files/file-1/content", "api.openai.com", "application/octet-stream", ""},
        {"GET", "/v1/messages/batches/msgbatch_1/results", "api.anthropic.com", "application/x-jsonl", ""},
        {"GET", "/v1/batches/batch_1/results?limit=100", "api.x.ai", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
