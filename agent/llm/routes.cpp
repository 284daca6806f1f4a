#include "agent/llm/routes.h"

#include <array>

#include "agent/llm/anthropic_complete.h"
#include "agent/llm/anthropic_messages.h"
#include "agent/llm/batch_results.h"
#include "agent/llm/bedrock_converse.h"
#include "agent/llm/bedrock_invoke.h"
#include "agent/llm/cohere.h"
#include "agent/llm/dashscope.h"
#include "agent/llm/embeddings.h"
#include "agent/llm/gemini_generate.h"
#include "agent/llm/gemini_live.h"
#include "agent/llm/gemini_other.h"
#include "agent/llm/hosted_other.h"
#include "agent/llm/json_rpc.h"
#include "agent/llm/mistral_conversations.h"
#include "agent/llm/ollama.h"
#include "agent/llm/openai_assistants.h"
#include "agent/llm/openai_chat.h"
#include "agent/llm/openai_media.h"
#include "agent/llm/openai_realtime.h"
#include "agent/llm/openai_responses.h"
#include "agent/llm/openai_responses_ws.h"
#include "agent/llm/self_hosted.h"
#include "agent/model/operation.h"

namespace llmsnoop::llm {
namespace {

using Made = std::unique_ptr<Dialect>;

template <typename T>
Made plain(const Recognised& in) {
    return std::make_unique<T>(in.losses);
}

template <typename T, auto kKind>
Made kind(const Recognised& in) {
    return std::make_unique<T>(kKind, in.losses);
}

template <RpcProtocol kProtocol>
Made json_rpc(const Recognised& in) {
    return std::make_unique<JsonRpc>(kProtocol, in.request, in.calls, in.losses);
}

// Where the path names the model.
void set_model(const Recognised& in, std::string_view model) {
    if (!model.empty()) in.calls.seed.request_model = bounded(model);
}

// /openai/deployments/D/chat/completions: the deployment stands for the model.
template <typename T, auto kKind>
Made azure(const Recognised& in) {
    set_model(in, in.target.after("deployments/"));
    return kind<T, kKind>(in);
}
Made azure_embeddings(const Recognised& in) {
    set_model(in, in.target.after("deployments/"));
    return plain<OpenaiEmbeddings>(in);
}

// /v1/engines/M/completions, as it was before the model moved into the body; GitHub Copilot still asks so.
Made engine_completions(const Recognised& in) {
    set_model(in, in.target.segment(1));
    return kind<OpenaiChat, OpenaiChat::Kind::completions>(in);
}

// /model/ID/verb: the identifier is percent-encoded and may be an ARN.
template <typename T>
Made bedrock(const Recognised& in) {
    set_model(in, in.target.segment(1));
    if constexpr (std::is_same_v<T, BedrockInvoke>) {
        const std::string& model = in.calls.seed.request_model;
        if (model.find("embed") != std::string::npos) in.calls.seed.operation = "embeddings";
        if (model.find("rerank") != std::string::npos) in.calls.seed.operation = "rerank";
        for (const std::string_view image : {"stability.", "image-generator", "nova-canvas"}) {
            if (model.find(image) != std::string::npos) in.calls.seed.operation = "image";
        }
    }
    return plain<T>(in);
}

// …/models/M:verb. The verb may stand behind an escaped colon.
template <typename T>
Made gemini(const Recognised& in) {
    set_model(in, in.target.before_verb());
    return plain<T>(in);
}
Made gemini_generate(const Recognised& in) {
    set_model(in, in.target.before_verb());
    return kind<GeminiGenerate, GeminiGenerate::Kind::generate>(in);
}
Made gemini_stream(const Recognised& in) {
    set_model(in, in.target.before_verb());
    if (in.target.parameter("alt") == "sse") return kind<GeminiGenerate, GeminiGenerate::Kind::stream>(in);
    return kind<GeminiGenerate, GeminiGenerate::Kind::stream_as_array>(in);
}
Made vertex_predict(const Recognised& in) {
    set_model(in, in.target.before_verb());
    const std::string& model = in.calls.seed.request_model;
    if (model.find("embedding") != std::string::npos || model.find("gecko") != std::string::npos)
        in.calls.seed.operation = "embeddings";
    if (model.find("imagen") != std::string::npos) in.calls.seed.operation = "image";
    return plain<VertexPredict>(in);
}
// Models of other publishers on Vertex speak their own dialects.
Made vertex_raw(const Recognised& in) {
    set_model(in, in.target.before_verb());
    if (in.target.after("publishers/") == "anthropic") return plain<AnthropicMessages>(in);
    in.calls.seed.dialect = "openai.chat";
    return kind<OpenaiChat, OpenaiChat::Kind::chat>(in);
}

Made replicate(const Recognised& in) {
    // /models/OWNER/NAME/predictions, /deployments/OWNER/NAME/predictions
    if (in.target.ends_in("models/*/*/predictions") || in.target.ends_in("deployments/*/*/predictions")) {
        set_model(in, in.target.segment(2) + "/" + in.target.segment(1));
    }
    return plain<Replicate>(in);
}
Made watsonx_deployment(const Recognised& in) {
    set_model(in, in.target.after("deployments/"));
    return plain<Watsonx>(in);
}
Made sagemaker(const Recognised& in) {
    set_model(in, in.target.segment(1));
    return plain<SageMaker>(in);
}
Made triton(const Recognised& in) {
    set_model(in, in.target.after("/models/"));
    if (in.target.ends_in("generate_stream")) in.calls.seed.stream = true;
    return plain<Triton>(in);
}
Made tgi(const Recognised& in) {
    if (in.target.ends_in("generate_stream")) in.calls.seed.stream = true;
    if (in.target.ends_in("generate")) in.calls.seed.stream = false;
    return plain<Tgi>(in);
}

Made realtime(const Recognised& in) {
    for (const std::string_view name : {"model", "deployment"}) {
        if (auto model = in.target.parameter(name)) set_model(in, *model);
    }
    return plain<RealtimeByShape>(in);
}

// files/F/content, batches/B/results: F or B tells results apart that have only the client's names.
template <auto kForm>
Made batch(const Recognised& in) {
    return std::make_unique<BatchResults>(kForm, in.target.segment(1), in.losses);
}

constexpr auto kChat = kind<OpenaiChat, OpenaiChat::Kind::chat>;
constexpr auto kCompletions = kind<OpenaiChat, OpenaiChat::Kind::completions>;
constexpr auto kImages = kind<OpenaiMedia, OpenaiMedia::Kind::images>;
constexpr auto kAudio = kind<OpenaiMedia, OpenaiMedia::Kind::audio>;
constexpr auto kModerations = kind<OpenaiMedia, OpenaiMedia::Kind::moderations>;
constexpr auto kAzureChat = azure<OpenaiChat, OpenaiChat::Kind::chat>;
constexpr auto kAzureCompletions = azure<OpenaiChat, OpenaiChat::Kind::completions>;
constexpr auto kCohereV1 = kind<CohereChat, CohereChat::Version::v1>;
constexpr auto kCohereV2 = kind<CohereChat, CohereChat::Version::v2>;
constexpr auto kDashScope = kind<DashScope, DashScope::Kind::generation>;
constexpr auto kDashScopeEmbeddings = kind<DashScope, DashScope::Kind::embeddings>;
constexpr auto kOllamaChat = kind<Ollama, Ollama::Kind::chat>;
constexpr auto kOllamaGenerate = kind<Ollama, Ollama::Kind::generate>;
constexpr auto kOllamaEmbed = kind<Ollama, Ollama::Kind::embed>;

using enum Method;

// Longer paths before those that they end in.
constexpr std::array kRoutes{
    // OpenAI, and everyone who speaks it.
    Route{post, "deployments/*/chat/completions", "openai.chat", "chat", Certainty::path, nullptr, kAzureChat},
    Route{post, "deployments/*/completions", "openai.completions", "text_completion", Certainty::path, nullptr,
          kAzureCompletions},
    Route{post, "deployments/*/embeddings", "openai.embeddings", "embeddings", Certainty::path, nullptr,
          azure_embeddings},
    Route{post, "chat/completions", "openai.chat", "chat", Certainty::path, nullptr, kChat},
    Route{post, "text/chatcompletion_v2", "openai.chat", "chat", Certainty::path, nullptr, kChat},     // MiniMax
    Route{post, "cortex/inference:complete", "openai.chat", "chat", Certainty::path, nullptr, kChat},  // Snowflake
    Route{post, "ml/*/text/chat", "openai.chat", "chat", Certainty::path, nullptr, kChat},             // watsonx
    Route{post, "ml/*/text/chat_stream", "openai.chat", "chat", Certainty::path, nullptr, kChat},
    Route{post, "deployments/*/text/chat", "openai.chat", "chat", Certainty::path, nullptr, kAzureChat},
    Route{post, "deployments/*/text/chat_stream", "openai.chat", "chat", Certainty::path, nullptr, kAzureChat},
    Route{post, "agents/completions", "openai.chat", "chat", Certainty::host, is_openai_chat, kChat},
    Route{post, "engines/*/completions", "openai.completions", "text_completion", Certainty::path, nullptr,
          engine_completions},
    Route{post, "fim/completions", "openai.completions", "text_completion", Certainty::host, is_openai_completions,
          kCompletions},
    Route{post, "completions", "openai.completions", "text_completion", Certainty::host, is_openai_completions,
          kCompletions},
    Route{post, "responses/input_tokens", "openai.responses.input_tokens", "count_tokens", Certainty::host,
          is_openai_responses, plain<TokenCounting>},
    Route{post, "responses/compact", "openai.responses.compact", "chat", Certainty::host, is_openai_responses,
          plain<OpenaiResponses>},
    Route{post, "responses/*/cancel", "openai.responses.retrieve", model::kFetchResponse, Certainty::host,
          is_openai_responses, plain<OpenaiResponses>},
    Route{post, "responses", "openai.responses", "chat", Certainty::host, is_openai_responses, plain<OpenaiResponses>},
    Route{get, "responses/*", "openai.responses.retrieve", model::kFetchResponse, Certainty::host, is_openai_responses,
          plain<OpenaiResponses>},
    Route{websocket, "responses", "openai.responses", "chat", Certainty::host, is_responses_message,
          plain<OpenaiResponsesWs>},
    Route{websocket, "realtime", "openai.realtime.ws", "realtime", Certainty::host, is_realtime_message, realtime},
    Route{post, "services/embeddings/*/*", "dashscope", "embeddings", Certainty::path, nullptr, kDashScopeEmbeddings},
    Route{post, "v1/moderations", "openai.moderations", "moderation", Certainty::host, is_openai_moderations,
          kModerations},
    Route{post, "images/generations", "openai.images", "image", Certainty::host, is_openai_images, kImages},
    Route{post, "images/edits", "openai.images", "image", Certainty::host, is_openai_images, kImages},
    Route{post, "images/variations", "openai.images", "image", Certainty::host, is_openai_images, kImages},
    Route{post, "audio/speech", "openai.audio", "audio", Certainty::path, nullptr, kAudio},
    Route{post, "audio/transcriptions", "openai.audio", "audio", Certainty::path, nullptr, kAudio},
    Route{post, "audio/translations", "openai.audio", "audio", Certainty::path, nullptr, kAudio},
    Route{post, "threads/*/runs", "openai.assistants", "invoke_agent", Certainty::host, is_openai_assistants,
          plain<OpenaiAssistants>},
    Route{post, "threads/runs", "openai.assistants", "invoke_agent", Certainty::host, is_openai_assistants,
          plain<OpenaiAssistants>},

    // Mistral. OpenAI has these paths as well, and no model answers there.
    Route{post, "conversations", "mistral.conversations", "chat", Certainty::body, is_mistral_conversation,
          plain<MistralConversations>},
    Route{post, "conversations/*", "mistral.conversations", "chat", Certainty::body, is_mistral_conversation,
          plain<MistralConversations>},
    Route{post, "conversations/*/restart", "mistral.conversations", "chat", Certainty::body, is_mistral_conversation,
          plain<MistralConversations>},

    // Anthropic.
    Route{post, "v1/messages/count_tokens", "anthropic.count_tokens", "count_tokens", Certainty::host, is_openai_chat,
          plain<TokenCounting>},
    Route{post, "v1/messages", "anthropic.messages", "chat", Certainty::host, is_anthropic_messages,
          plain<AnthropicMessages>},
    Route{post, "v1/complete", "anthropic.complete", "text_completion", Certainty::host, is_anthropic_complete,
          plain<AnthropicComplete>},
    Route{post, "publishers/anthropic/models/count-tokens:rawPredict", "anthropic.count_tokens", "count_tokens",
          Certainty::path, nullptr, plain<TokenCounting>},
    Route{post, "publishers/*/models/*:rawPredict", "anthropic.messages", "chat", Certainty::path, nullptr, vertex_raw},
    Route{post, "publishers/*/models/*:streamRawPredict", "anthropic.messages", "chat", Certainty::path, nullptr,
          vertex_raw},

    // Bedrock.
    Route{post, "model/*/converse", "bedrock.converse", "chat", Certainty::path, nullptr, bedrock<BedrockConverse>},
    Route{post, "model/*/converse-stream", "bedrock.converse_stream", "chat", Certainty::path, nullptr,
          bedrock<BedrockConverse>},
    Route{post, "model/*/invoke-with-response-stream", "bedrock.invoke_stream", "chat", Certainty::path, nullptr,
          bedrock<BedrockInvoke>},
    Route{post, "model/*/invoke-with-bidirectional-stream", "bedrock.invoke_stream", "chat", Certainty::path, nullptr,
          bedrock<BedrockInvoke>},
    Route{post, "model/*/invoke", "bedrock.invoke", "chat", Certainty::path, nullptr, bedrock<BedrockInvoke>},
    Route{post, "model/*/count-tokens", "bedrock.count_tokens", "count_tokens", Certainty::path, nullptr,
          bedrock<TokenCounting>},

    // Gemini and Vertex.
    Route{post, "*:generateContent", "gemini.generate", "generate_content", Certainty::path, nullptr, gemini_generate},
    Route{post, "*:streamGenerateContent", "gemini.stream", "generate_content", Certainty::path, nullptr,
          gemini_stream},
    Route{post, "*:countTokens", "gemini.count_tokens", "count_tokens", Certainty::path, nullptr,
          gemini<TokenCounting>},
    Route{post, "*:embedContent", "gemini.embed", "embeddings", Certainty::path, nullptr, gemini<GeminiEmbed>},
    Route{post, "*:batchEmbedContents", "gemini.embed", "embeddings", Certainty::path, nullptr, gemini<GeminiEmbed>},
    Route{post, "publishers/*/models/*:predict", "vertex.predict", "generate_content", Certainty::path, nullptr,
          vertex_predict},
    // TensorFlow Serving and KServe have this path too, and answer otherwise.
    Route{post, "models/*:predict", "vertex.predict", "generate_content", Certainty::host, is_vertex_prediction,
          vertex_predict},
    Route{post, "endpoints/*:predict", "vertex.predict", "generate_content", Certainty::body, is_vertex_predict,
          vertex_predict},
    Route{post, "interactions", "gemini.interactions", "generate_content", Certainty::host, is_gemini_interactions,
          plain<GeminiInteractions>},
    Route{websocket, "*.BidiGenerateContent", "gemini.live.ws", "realtime", Certainty::path, nullptr,
          plain<GeminiLive>},
    Route{websocket, "BidiGenerateContent", "gemini.live.ws", "realtime", Certainty::path, nullptr, plain<GeminiLive>},

    // Ollama. Its paths are those of many a web application; its port is not.
    Route{post, "api/chat", "ollama.chat", "chat", Certainty::port, is_ollama_chat, kOllamaChat},
    Route{post, "api/generate", "ollama.generate", "text_completion", Certainty::port, is_ollama_generate,
          kOllamaGenerate},
    Route{post, "api/embed", "ollama.embed", "embeddings", Certainty::port, is_ollama_embed, kOllamaEmbed},
    Route{post, "api/embeddings", "ollama.embed", "embeddings", Certainty::port, is_ollama_embed, kOllamaEmbed},

    // Cohere; and Writer, who uses the same path for OpenAI's dialect.
    Route{post, "v1/chat", "cohere.v1.chat", "chat", Certainty::body, is_cohere_v1_chat, kCohereV1},
    Route{post, "v1/chat", "openai.chat", "chat", Certainty::body, is_openai_chat, kChat},
    Route{post, "v2/chat", "cohere.v2.chat", "chat", Certainty::host, is_cohere_v2_chat, kCohereV2},
    Route{post, "v1/generate", "cohere.v1.generate", "text_completion", Certainty::host, is_cohere_v1_generate,
          kCohereV1},
    Route{post, "v1/embed", "cohere.embed", "embeddings", Certainty::host, is_cohere_embed, plain<CohereEmbed>},
    Route{post, "v2/embed", "cohere.embed", "embeddings", Certainty::host, is_cohere_embed, plain<CohereEmbed>},

    Route{post, "rerank/*/text-rerank", "rerank", "rerank", Certainty::path, nullptr, plain<Rerank>},
    Route{post, "rerank", "rerank", "rerank", Certainty::host, is_rerank, plain<Rerank>},
    Route{post, "embeddings", "openai.embeddings", "embeddings", Certainty::host, is_openai_embeddings,
          plain<OpenaiEmbeddings>},

    // Other hosted services.
    Route{post, "services/aigc/*/generation", "dashscope", "chat", Certainty::path, nullptr, kDashScope},
    Route{post, "ml/*/text/generation", "watsonx.generation", "text_completion", Certainty::path, nullptr,
          plain<Watsonx>},
    Route{post, "ml/*/text/generation_stream", "watsonx.generation", "text_completion", Certainty::path, nullptr,
          plain<Watsonx>},
    Route{post, "deployments/*/text/generation", "watsonx.generation", "text_completion", Certainty::path, nullptr,
          watsonx_deployment},
    Route{post, "deployments/*/text/generation_stream", "watsonx.generation", "text_completion", Certainty::path,
          nullptr, watsonx_deployment},
    Route{post, "ml/*/generation/text", "watsonx.generation", "text_completion", Certainty::path, nullptr,
          plain<Watsonx>},
    Route{post, "ml/*/generation/text_stream", "watsonx.generation", "text_completion", Certainty::path, nullptr,
          plain<Watsonx>},
    Route{post, "models/*/*/predictions", "replicate.predictions", "text_completion", Certainty::host, is_replicate,
          replicate},
    Route{post, "deployments/*/*/predictions", "replicate.predictions", "text_completion", Certainty::host,
          is_replicate, replicate},
    Route{post, "v1/predictions", "replicate.predictions", "text_completion", Certainty::host, is_replicate, replicate},
    Route{post, "endpoints/*/invocations", "sagemaker.invoke", "text_completion", Certainty::body, is_generation_input,
          sagemaker},
    Route{post, "endpoints/*/invocations-response-stream", "sagemaker.invoke", "text_completion", Certainty::body,
          is_generation_input, sagemaker},
    Route{post, "complete", "alephalpha.complete", "text_completion", Certainty::body, is_alephalpha,
          plain<AlephAlpha>},

    // Inference servers of one's own.
    Route{post, "models/*/generate", "triton.generate", "text_completion", Certainty::body, is_triton, triton},
    Route{post, "models/*/generate_stream", "triton.generate", "text_completion", Certainty::body, is_triton, triton},
    Route{post, "models/*/infer", "triton.generate", "text_completion", Certainty::body, is_triton, triton},
    Route{post, "models/*/versions/*/generate", "triton.generate", "text_completion", Certainty::body, is_triton,
          triton},
    Route{post, "models/*/versions/*/generate_stream", "triton.generate", "text_completion", Certainty::body, is_triton,
          triton},
    Route{post, "models/*/versions/*/infer", "triton.generate", "text_completion", Certainty::body, is_triton, triton},
    Route{post, "generate", "sglang.generate", "text_completion", Certainty::body, is_sglang, plain<Sglang>},
    Route{post, "generate", "tgi.generate", "text_completion", Certainty::body, is_tgi, tgi},
    Route{post, "generate_stream", "tgi.generate", "text_completion", Certainty::body, is_tgi, tgi},
    Route{post, "invocations", "openai.chat", "chat", Certainty::body, is_openai_chat, kChat},
    Route{post, "invocations", "tgi.generate", "text_completion", Certainty::body, is_tgi, tgi},
    Route{post, "completion", "llamacpp.completion", "text_completion", Certainty::body, is_llamacpp, plain<LlamaCpp>},
    Route{post, "infill", "llamacpp.completion", "text_completion", Certainty::body, is_llamacpp, plain<LlamaCpp>},
};

constexpr auto kBatchLines = batch<BatchResults::Form::lines>;
constexpr auto kBatchDocument = batch<BatchResults::Form::document>;

constexpr std::array kBatchRoutes{
    // OpenAI, Azure, Groq, Mistral and others: any file, which may be one of results.
    Route{get, "files/*/content", "openai.batch", model::kBatch, Certainty::host, is_batch_result, kBatchLines},
    Route{get, "messages/batches/*/results", "anthropic.batch", model::kBatch, Certainty::host, is_batch_result,
          kBatchLines},
    Route{get, "batches/*/results", "xai.batch", model::kBatch, Certainty::host, is_batch_result, kBatchDocument},
};

// Recognised by their bodies, whatever the path.
constexpr std::array kByName{
    Route{post, "", "mcp", "mcp", Certainty::body, is_mcp, json_rpc<RpcProtocol::mcp>},
    Route{post, "", "a2a.jsonrpc", "a2a", Certainty::body, is_a2a, json_rpc<RpcProtocol::a2a>},
    Route{post, "", "tgi.generate", "text_completion", Certainty::body, is_tgi, tgi},
};

const Route* route_of(std::string_view dialect) {
    for (const Route& one : kByName) {
        if (one.dialect == dialect) return &one;
    }
    for (const Route& one : kRoutes) {
        if (one.dialect == dialect) return &one;
    }
    return nullptr;
}

}  // namespace

std::span<const Route> routes() {
    return kRoutes;
}

std::span<const Route> batch_routes() {
    return kBatchRoutes;
}

std::unique_ptr<Dialect> make_by_name(std::string_view dialect, const Recognised& recognised) {
    const Route* route = route_of(dialect);
    return route == nullptr ? nullptr : route->make(recognised);
}

std::string_view operation_of(std::string_view dialect) {
    const Route* route = route_of(dialect);
    return route == nullptr ? std::string_view{} : route->operation;
}

}  // namespace llmsnoop::llm
