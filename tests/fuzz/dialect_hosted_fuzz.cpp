// watsonx, Aleph Alpha, Replicate, SageMaker, Mistral's conversations.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/ml/v1/text/generation_stream", "eu-de.ml.cloud.ibm.com", "text/event-stream", ""},
        {"POST", "/complete", "api.aleph-alpha.com", "text/event-stream",
         "{\"model\":\"m\",\"prompt\":\"x\",\"maximum_tokens\":1}"},
        {"POST", "/v1/predictions", "api.replicate.com", "application/json", ""},
        {"POST", "/endpoints/e/invocations", "runtime.sagemaker.us-east-1.amazonaws.com", "application/json",
         "{\"inputs\":\"x\"}"},
        {"POST", "/v1/conversations", "api.mistral.ai", "text/event-stream", "{\"model\":\"m\",\"inputs\":\"x\"}"},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
