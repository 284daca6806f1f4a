// Embeddings and reranking.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/v1/embeddings", "api.openai.com", "application/json", ""},
        {"POST", "/v1/rerank", "api.jina.ai", "application/json", ""},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
