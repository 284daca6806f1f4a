#include "agent/llm/registry.h"

#include <gtest/gtest.h>

#include "exchange_script.h"

namespace llmsnoop::llm {
namespace {

model::MessageHead head(std::string_view method, std::string_view target, std::string_view host,
                        std::vector<model::Header> headers = {}) {
    model::MessageHead out;
    out.method = method;
    out.target = target;
    out.authority = host;
    out.headers = std::move(headers);
    return out;
}

std::string by_head(const model::MessageHead& request) {
    Calls calls;
    model::LossCounters losses;
    Clues clues;
    clues.request = &request;
    const auto dialect = recognise(clues, calls, losses);
    const Interest asked = interest(request);
    // The two must agree: sure means that the head is enough.
    EXPECT_EQ(asked == Interest::sure, dialect != nullptr) << request.target;
    return dialect ? calls.seed.dialect : asked == Interest::maybe ? "maybe" : "none";
}

struct Path {
    std::string_view target;
    std::string_view host;
    std::string_view dialect;
};

class KnownPath : public testing::TestWithParam<Path> {};

TEST_P(KnownPath, IsEnough) {
    EXPECT_EQ(by_head(head("POST", GetParam().target, GetParam().host)), GetParam().dialect);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, KnownPath,
    testing::Values(
        Path{"/v1/chat/completions", "api.openai.com", "openai.chat"},
        Path{"/openai/v1/chat/completions", "api.groq.com", "openai.chat"},
        Path{"/api/v1/chat/completions", "openrouter.ai", "openai.chat"},
        Path{"/api/coding/paas/v4/chat/completions", "api.z.ai", "openai.chat"},
        Path{"/compatible-mode/v1/chat/completions", "dashscope.aliyuncs.com", "openai.chat"},
        Path{"/v1beta/openai/chat/completions", "generativelanguage.googleapis.com", "openai.chat"},
        Path{"/openai/deployments/d/chat/completions?api-version=1", "x.openai.azure.com", "openai.chat"},
        Path{"/models/chat/completions", "x.services.ai.azure.com", "openai.chat"},
        Path{"/chat/completions", "api.deepseek.com", "openai.chat"},
        Path{"/api/v2/cortex/v1/chat/completions", "org.snowflakecomputing.com", "openai.chat"},
        Path{"/anything/chat/completions/", "gateway.example.org", "openai.chat"},
        Path{"/openai/deployments/d/completions", "x.openai.azure.com", "openai.completions"},
        Path{"/v1/engines/copilot-codex/completions", "copilot-proxy.githubusercontent.com", "openai.completions"},
        Path{"/v1/agents/completions", "api.mistral.ai", "openai.chat"},
        Path{"/responses", "api.individual.githubcopilot.com", "openai.responses"},
        Path{"/backend-api/codex/responses", "chatgpt.com", "openai.responses"},
        Path{"/v1/fim/completions", "codestral.mistral.ai", "openai.completions"},
        Path{"/v1/completions", "api.together.xyz", "openai.completions"},
        Path{"/v1/responses", "api.openai.com", "openai.responses"},
        Path{"/openai/v1/responses", "x.openai.azure.com", "openai.responses"},
        Path{"/v1/responses/compact", "api.openai.com", "openai.responses.compact"},
        Path{"/v1/responses/input_tokens", "api.openai.com", "openai.responses.input_tokens"},
        Path{"/v1/responses/resp_1/cancel", "api.openai.com", "openai.responses.retrieve"},
        Path{"/v1/embeddings", "api.jina.ai", "openai.embeddings"},
        Path{"/v1/moderations", "api.openai.com", "openai.moderations"},
        Path{"/v1/images/edits", "api.openai.com", "openai.images"},
        Path{"/v1/audio/speech", "api.openai.com", "openai.audio"},
        Path{"/v1/threads/t/runs", "api.openai.com", "openai.assistants"},
        Path{"/v1/threads/runs", "api.openai.com", "openai.assistants"},
        Path{"/v1/messages?beta=true", "api.anthropic.com", "anthropic.messages"},
        Path{"/v1/messages/count_tokens", "api.anthropic.com", "anthropic.count_tokens"},
        Path{"/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "aiplatform.googleapis.com",
             "anthropic.messages"},
        Path{"/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
             "aiplatform.googleapis.com", "anthropic.count_tokens"},
        Path{"/v1/projects/p/locations/l/publishers/mistralai/models/m:streamRawPredict", "aiplatform.googleapis.com",
             "openai.chat"},
        Path{"/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "aiplatform.googleapis.com",
             "openai.chat"},
        Path{"/v1/complete", "api.anthropic.com", "anthropic.complete"},
        Path{"/model/m/converse", "b.example", "bedrock.converse"},
        Path{"/model/m/converse-stream", "b.example", "bedrock.converse_stream"},
        Path{"/model/m/invoke", "bedrock-runtime.us-east-1.amazonaws.com", "bedrock.invoke"},
        Path{"/model/m/invoke-with-response-stream", "b.example", "bedrock.invoke_stream"},
        Path{"/model/m/count-tokens", "b.example", "bedrock.count_tokens"},
        Path{"/v1beta/models/m:generateContent", "generativelanguage.googleapis.com", "gemini.generate"},
        Path{"/v1/publishers/google/models/m:streamGenerateContent?alt=sse", "aiplatform.googleapis.com",
             "gemini.stream"},
        Path{"/v1beta/models/m:countTokens", "x", "gemini.count_tokens"},
        Path{"/v1beta/models/m:embedContent", "x", "gemini.embed"},
        Path{"/v1/projects/p/publishers/google/models/m:predict", "x", "vertex.predict"},
        Path{"/v1beta/models/imagen-4:predict", "generativelanguage.googleapis.com", "vertex.predict"},
        Path{"/v1beta/interactions", "generativelanguage.googleapis.com", "gemini.interactions"},
        Path{"/api/chat", "127.0.0.1:11434", "ollama.chat"}, Path{"/api/generate", "ollama:11434", "ollama.generate"},
        Path{"/api/embeddings", "ollama:11434", "ollama.embed"}, Path{"/v2/chat", "api.cohere.com", "cohere.v2.chat"},
        Path{"/v1/generate", "api.cohere.ai", "cohere.v1.generate"},
        Path{"/v2/embed", "api.cohere.com", "cohere.embed"}, Path{"/v2/rerank", "api.cohere.com", "rerank"},
        Path{"/api/v1/services/rerank/text-rerank/text-rerank", "dashscope.aliyuncs.com", "rerank"},
        Path{"/api/v1/services/aigc/text-generation/generation", "dashscope.aliyuncs.com", "dashscope"},
        Path{"/ml/v1/text/generation_stream?version=1", "eu-de.ml.cloud.ibm.com", "watsonx.generation"},
        Path{"/ml/v1/deployments/d/text/generation?version=1", "eu-de.ml.cloud.ibm.com", "watsonx.generation"},
        Path{"/ml/v1/text/chat_stream?version=1", "eu-de.ml.cloud.ibm.com", "openai.chat"},
        Path{"/ml/v1/deployments/d/text/chat?version=1", "eu-de.ml.cloud.ibm.com", "openai.chat"},
        Path{"/v1/text/chatcompletion_v2", "api.minimax.io", "openai.chat"},
        Path{"/api/v2/cortex/inference:complete", "a.snowflakecomputing.com", "openai.chat"},
        Path{"/v1/predictions", "api.replicate.com", "replicate.predictions"}));

INSTANTIATE_TEST_SUITE_P(
    PathsThatOthersUseToo, KnownPath,
    testing::Values(Path{"/v1/completions", "localhost:8000", "maybe"},
                    Path{"/v1/messages", "chat.example.org", "maybe"}, Path{"/responses", "forms.example.org", "maybe"},
                    Path{"/api/chat", "app.example.org", "maybe"}, Path{"/generate", "images.example.org", "maybe"},
                    Path{"/v1/embeddings", "vectors.example.org", "maybe"},
                    Path{"/invocations", "localhost:8080", "maybe"}, Path{"/v1/chat", "api.cohere.com", "maybe"},
                    Path{"/", "localhost:9999", "maybe"}, Path{"/mcp", "tools.internal", "maybe"},
                    Path{"/v1/models/m:predict", "tf-serving:8501", "maybe"},
                    Path{"/v1/conversations", "api.mistral.ai", "maybe"},
                    Path{"/v1/conversations/c/restart", "api.mistral.ai", "maybe"}));

TEST(Interest, MethodsMatter) {
    EXPECT_EQ(by_head(head("post", "/v1/chat/completions", "api.openai.com")), "openai.chat");
    EXPECT_EQ(by_head(head("GET", "/v1/responses/resp_1", "api.openai.com")), "openai.responses.retrieve");
    for (const std::string_view target : {"/v1/models", "/v1/chat/completions/c1", "/v1/threads/t/runs/r",
                                          "/v1/responses/r/input_items", "/", "/v1/batches"}) {
        EXPECT_EQ(by_head(head("GET", target, "api.openai.com")), "none") << target;
    }
    EXPECT_EQ(by_head(head("DELETE", "/v1/responses/resp_1", "api.openai.com")), "none");
    EXPECT_EQ(by_head(head("HEAD", "/v1/chat/completions", "api.openai.com")), "none");
}

TEST(Interest, BodiesThatCannotBeJsonAreNotKept) {
    EXPECT_EQ(by_head(head("POST", "/upload", "example.org", {{"content-type", "multipart/form-data; boundary=x"}})),
              "none");
    EXPECT_EQ(by_head(head("POST", "/v1/opamp", "example.org", {{"content-type", "application/x-protobuf"}})), "none");
    EXPECT_EQ(by_head(head("POST", "/v1/traces", "example.org", {{"content-type", "application/json"}})), "maybe");
}

TEST(Interest, WebSockets) {
    const std::vector<model::Header> upgrade{{"upgrade", "WebSocket"}};
    EXPECT_EQ(by_head(head("GET", "/v1/realtime?model=m", "api.openai.com", upgrade)), "openai.realtime.ws");
    EXPECT_EQ(by_head(head("GET", "/v1/responses", "api.openai.com", upgrade)), "openai.responses");
    EXPECT_EQ(by_head(head("GET", "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent", "x",
                           upgrade)),
              "gemini.live.ws");
    EXPECT_EQ(by_head(head("GET", "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", "x", upgrade)),
              "gemini.live.ws");
    EXPECT_EQ(by_head(head("GET", "/realtime/v1/websocket", "x.example", upgrade)), "none");
    EXPECT_EQ(by_head(head("GET", "/realtime", "x.example", upgrade)), "maybe");
    EXPECT_EQ(by_head(head("CONNECT", "/v1/realtime", "api.x.ai", {{":protocol", "websocket"}})), "openai.realtime.ws");
}

TEST(Interest, Grpc) {
    const std::vector<model::Header> type{{"content-type", "application/grpc+proto"}};
    EXPECT_EQ(by_head(head("POST", "/google.cloud.aiplatform.v1.PredictionService/GenerateContent", "x", type)),
              "grpc");
    EXPECT_EQ(by_head(head("POST", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "x", type)), "none");
    EXPECT_EQ(by_head(head("POST", "noslash", "x", type)), "none");
}

// Requests and answers that look like a model's, at paths that could be.
class OtherTraffic : public testing::TestWithParam<std::string_view> {};

TEST_P(OtherTraffic, IsNoModelCall) {
    EXPECT_EQ(describe_run(GetParam()), "");
}

constexpr std::string_view kOtherTraffic[] = {
    // A search box with completions.
    "> POST /v1/completions\n> host: search.example.org\n{\"prefix\": \"bee\"}\n< 200\n{\"completions\": [\"bees\"]}",
    // A form service with responses.
    "> POST /forms/7/responses\n> host: forms.example.org\n{\"input\": \"x\", \"form\": 7}\n< 201\n{\"id\": 1}",
    "> GET /forms/responses/7\n> host: forms.example.org\n< 200\n{\"id\": 7, \"status\": \"completed\", \"object\": "
    "\"form\"}",
    // A messenger.
    "> POST /v1/messages\n> host: sms.example.org\n{\"to\": \"+4900\", \"messages\": [\"hi\"]}\n< 200\n{\"id\": "
    "\"m1\"}",
    "> POST /v1/threads/t/messages\n> host: api.openai.com\n{\"content\": \"x\", \"role\": \"user\"}\n< 200\n{\"id\": "
    "\"msg_1\"}",
    "> POST /v1/threads/t/runs/r/submit_tool_outputs\n> host: api.openai.com\n{\"tool_outputs\": []}\n< "
    "200\n{\"object\": \"thread.run\"}",
    // A web application's own chat, which calls the model elsewhere.
    "> POST /api/chat\n> host: app.example.org\n{\"id\": \"c\", \"messages\": [{\"role\": \"user\", \"content\": "
    "\"hi\"}]}\n< 200\n< content-type: text/event-stream\ndata: {\"type\":\"text-delta\",\"delta\":\"x\"}\n\n",
    "> POST /api/generate\n> host: app.example.org\n{\"prompt\": \"a logo\"}\n< 200\n{\"url\": \"x\"}",
    // Classifiers behind the path of a text generator.
    "> POST /generate\n> host: ml.internal\n{\"inputs\": [[1, 2]]}\n< 200\n[[0.1]]",
    "> POST /\n> host: ml.internal\n{\"inputs\": \"I like you\"}\n< 200\n[{\"label\": \"POSITIVE\", \"score\": 0.9}]",
    "> POST /invocations\n> host: ml.internal\n{\"instances\": [[1]]}\n< 200\n{\"predictions\": [0]}",
    "> POST /endpoints/fraud/invocations\n> host: runtime.sagemaker.us-east-1.amazonaws.com\n1,2,3\n< 200\n0.3",
    "> POST /v2/models/resnet/infer\n> host: triton:8000\n{\"inputs\": [{\"name\": \"image\", \"shape\": [1], "
    "\"datatype\": \"FP32\", \"data\": [0.1]}]}\n< 200\n{\"model_name\": \"resnet\", \"outputs\": []}",
    "> POST /v1/projects/p/locations/l/endpoints/7:predict\n> host: aiplatform.googleapis.com\n{\"instances\": "
    "[{\"age\": 7}]}\n< 200\n{\"predictions\": [1]}",
    "> POST /v1/models/sentiment:predict\n> host: tf-serving:8501\n{\"instances\": [{\"content\": \"good\"}]}\n< "
    "200\n{\"predictions\": [[0.9, 0.1]]}",
    // Vector stores and rankings.
    "> POST /v1/embeddings\n> host: vectors.example.org\n{\"ids\": [1]}\n< 200\n{\"ok\": true}",
    "> POST /rerank\n> host: shop.example.org\n{\"products\": [1, 2]}\n< 200\n{\"products\": [2, 1]}",
    "> POST /query\n> host: db.pinecone.io\n{\"vector\": [0.1], \"topK\": 3}\n< 200\n{\"matches\": [], \"usage\": "
    "{\"readUnits\": 1}}",
    // Agents and guards beside the models.
    "> POST /agents/A/agentAliases/B/sessions/C/text\n> host: "
    "bedrock-agent-runtime.us-east-1.amazonaws.com\n{\"inputText\": \"hi\"}\n< 200\n{}",
    "> POST /guardrail/g/version/1/apply\n> host: bedrock-runtime.us-east-1.amazonaws.com\n{\"source\": \"INPUT\"}\n< "
    "200\n{}",
    // What belongs to model providers but runs no model.
    "> POST /v1/files\n> host: api.openai.com\n{\"purpose\": \"x\"}\n< 200\n{\"object\": \"file\"}",
    "> POST /v1/batches\n> host: api.openai.com\n{\"input_file_id\": \"f\", \"endpoint\": \"/v1/chat/completions\"}\n< "
    "200\n{\"object\": \"batch\"}",
    "> POST /v1/messages/batches\n> host: api.anthropic.com\n{\"requests\": []}\n< 200\n{\"type\": \"message_batch\"}",
    "> POST /v1/realtime/client_secrets\n> host: api.openai.com\n{\"session\": {\"model\": \"m\"}}\n< 200\n{}",
    "> POST /v1/fine_tuning/jobs\n> host: api.openai.com\n{\"model\": \"m\"}\n< 200\n{}",
    "> POST /v1/traces/ingest\n> host: api.openai.com\n{\"data\": [{\"object\": \"trace.span\", \"usage\": "
    "{\"input_tokens\": 5}}]}\n< 204",
    "> POST /api/show\n> host: localhost:11434\n{\"name\": \"llama3\"}\n< 200\n{\"license\": \"x\"}",
    "> POST /v1/conversations\n> host: api.openai.com\n{}\n< 200\n{}",
    "> POST /v1/conversations\n> host: api.openai.com\n{\"items\": [{\"role\": \"user\", \"content\": \"x\"}], "
    "\"metadata\": {}}\n< 200\n{\"id\": \"conv_1\", \"object\": \"conversation\"}",
    "> POST /v1/conversations\n> host: desk.example.org\n{\"inputs\": {\"name\": \"x\"}, \"inbox_id\": 1}\n< "
    "200\n{\"id\": 7}",
    // Telemetry that quotes models' bodies.
    "> POST /api/v2/llmobs\n> host: intake.example.com\n{\"spans\": [{\"meta\": {\"input\": {\"messages\": [{\"role\": "
    "\"user\", \"content\": \"x\"}]}, \"model\": \"gpt-4\"}}]}\n< 202\n{}",
    // JSON-RPC of others.
    "> POST /\n> host: node.example.org\n{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"eth_blockNumber\", "
    "\"params\": []}\n< 200\n{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": \"0x1\"}",
    "> POST /lsp\n> host: ide.internal\n{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"initialize\", \"params\": "
    "{\"processId\": 1, \"capabilities\": {}}}\n< 200\n{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {}}",
    "> POST /rpc\n> host: x.internal\n{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}\n< 200\n{\"jsonrpc\": "
    "\"2.0\", \"id\": 1, \"result\": {}}",
    // Heads lost, and nothing that only a model would send.
    "> lost\n{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n< lost\n{\"ok\": true}",
    "> lost\n{\"model\": \"T\", \"input\": \"x\"}\n< lost\n{\"id\": 1}",
    "> lost\n< lost\n{\"usage\": {\"input_tokens\": 5, \"output_tokens\": 6}}",
    "> lost\n< lost\n{\"id\": \"run_1\", \"object\": \"thread.run\", \"status\": \"completed\", \"usage\": "
    "{\"prompt_tokens\": 5}}",
};

INSTANTIATE_TEST_SUITE_P(Scripts, OtherTraffic, testing::ValuesIn(kOtherTraffic));

TEST(Recognise, OpensTheCallOfAPlainExchange) {
    const model::MessageHead request = head("POST", "/v1/chat/completions", "api.openai.com");
    Calls calls;
    model::LossCounters losses;
    Clues clues;
    clues.request = &request;
    ASSERT_TRUE(recognise(clues, calls, losses));
    const auto all = calls.take_all(false);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].call.provider, "openai");
    EXPECT_EQ(all[0].call.dialect, "openai.chat");
    EXPECT_FALSE(all[0].whole);
}

TEST(Recognise, AsksForTheBodyWhereThePathIsNotEnough) {
    const model::MessageHead request = head("POST", "/v1/completions", "10.0.0.1:8000");
    Calls calls;
    model::LossCounters losses;
    Clues clues;
    clues.request = &request;
    EXPECT_FALSE(recognise(clues, calls, losses));
    const std::string_view body = R"({"model": "m", "prompt": "x", "more": "cut in the mid)";
    clues.request_body = base::as_bytes(body);
    clues.request_body_cut = true;
    EXPECT_TRUE(recognise(clues, calls, losses));
    EXPECT_EQ(calls.seed.provider, "self_hosted");
}

// Anybody may download them: they are looked at only where that is asked for.
TEST(Recognise, LooksAtResultsOfBatchesOnlyWhenAsked) {
    for (const auto& [target, host, asked] : {
             std::tuple("/v1/files/file-1/content", "api.openai.com", Interest::sure),
             std::tuple("/openai/files/file-1/content?api-version=1", "x.openai.azure.com", Interest::sure),
             std::tuple("/openai/v1/files/file-1/content", "api.groq.com", Interest::sure),
             std::tuple("/v1/files/f/content", "api.mistral.ai", Interest::sure),
             std::tuple("/v1/messages/batches/msgbatch_1/results", "api.anthropic.com", Interest::sure),
             std::tuple("/v1/batches/batch_1/results?limit=100", "api.x.ai", Interest::sure),
             std::tuple("/v1/files/f/content", "files.example.org", Interest::maybe),
             std::tuple("/v1/files/f", "api.openai.com", Interest::none),
             std::tuple("/v1/batches/b", "api.x.ai", Interest::none),
         }) {
        const model::MessageHead request = head("GET", target, host);
        EXPECT_EQ(interest(request, Batches::counted), asked) << target;
        EXPECT_EQ(interest(request, Batches::ignored), Interest::none) << target;
        const std::string_view line = R"({"custom_id": "1", "response": {"status_code": 200, "body": {}}})";
        for (const auto& [batches, found] :
             {std::pair(Batches::counted, asked != Interest::none), std::pair(Batches::ignored, false)}) {
            Calls calls;
            model::LossCounters losses;
            Clues clues;
            clues.request = &request;
            clues.response_document = base::as_bytes(line);
            EXPECT_EQ(recognise(clues, calls, losses, batches) != nullptr, found) << target;
            EXPECT_FALSE(calls.is_open()) << "a file is no call";
        }
    }
    EXPECT_EQ(interest(head("POST", "/v1/files/f/content", "api.openai.com", {{"content-type", "text/plain"}}),
                       Batches::counted),
              Interest::none);
}

}  // namespace
}  // namespace llmsnoop::llm
