#include "agent/llm/grpc.h"

#include <algorithm>
#include <array>

namespace llmsnoop::llm {

bool is_grpc_model_service(std::string_view path) {
    static constexpr std::array<std::string_view, 12> kServices{
        "xai_api.Chat",
        "xai_api.Embedder",
        "xai_api.Image",
        "xai_api.Sample",
        "google.cloud.aiplatform.v1.PredictionService",
        "google.cloud.aiplatform.v1beta1.PredictionService",
        "google.ai.generativelanguage.v1.GenerativeService",
        "google.ai.generativelanguage.v1beta.GenerativeService",
        "inference.GRPCInferenceService",
        "generate.v2.TextGenerationService",
        "sglang.grpc.scheduler.SglangScheduler",
        "vllm.grpc.engine.VllmEngine",
    };
    if (!path.starts_with('/')) return false;
    const std::string_view service = path.substr(1, path.rfind('/') - 1);
    return std::find(kServices.begin(), kServices.end(), service) != kServices.end();
}

void Grpc::request(const model::Frame& /*frame*/, Calls& calls) {
    calls.open();
}

void Grpc::response_head(const model::MessageHead& head, Calls& calls) {
    model::LlmCall& call = calls.open();
    // A call that fails before it begins has its status in the only head there is (gRPC over HTTP/2, "Trailers-Only").
    const auto status = model::header(head, "grpc-status");
    if (head.status >= 400 || (status && *status != "0")) {
        call.error.emplace();
        call.error->code = status ? std::string(*status) : std::to_string(head.status);
        call.error->type = status ? "grpc" : "";
    }
}

void Grpc::response(const model::Frame& /*frame*/, Calls& calls) {
    calls.open();
}

}  // namespace llmsnoop::llm
