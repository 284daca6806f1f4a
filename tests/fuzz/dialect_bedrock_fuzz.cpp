// Bedrock: Converse and invoke, whose events hold documents of other dialects in base64.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/model/us.amazon.nova/converse", "bedrock-runtime.us-east-1.amazonaws.com", "application/json", ""},
        {"POST", "/model/openai.gpt-oss/converse-stream", "bedrock-runtime.us-east-1.amazonaws.com",
         "application/vnd.amazon.eventstream", ""},
        {"POST", "/model/m/invoke", "bedrock-runtime.us-east-1.amazonaws.com", "application/json", ""},
        {"POST", "/model/m/invoke-with-response-stream", "bedrock-runtime.us-east-1.amazonaws.com",
         "application/vnd.amazon.eventstream", ""},
        {"POST", "/endpoints/e/invocations-response-stream", "runtime.sagemaker.us-east-1.amazonaws.com",
         "application/vnd.amazon.eventstream", "{\"inputs\":\"x\"}"},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
