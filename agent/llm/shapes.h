#pragma once
// What a body looks like: whether documents are those of a model API, for paths that other services use as well, and
// for exchanges whose heads are lost. Each looks at a few members that the API cannot do without. Either document may
// be missing.
#include <optional>
#include <string_view>

#include "agent/llm/json.h"

namespace llmsnoop::llm {

struct Bodies {
    Json request;
    Json response;  // the whole body, or the first document of a stream
};

bool is_openai_chat(const Bodies& bodies);
bool is_openai_completions(const Bodies& bodies);
bool is_openai_responses(const Bodies& bodies);
bool is_openai_embeddings(const Bodies& bodies);
bool is_openai_moderations(const Bodies& bodies);
bool is_openai_images(const Bodies& bodies);
bool is_openai_assistants(const Bodies& bodies);
bool is_anthropic_messages(const Bodies& bodies);
bool is_anthropic_complete(const Bodies& bodies);
bool is_bedrock_converse(const Bodies& bodies);
bool is_gemini_generate(const Bodies& bodies);
bool is_gemini_interactions(const Bodies& bodies);
bool is_mistral_conversation(const Bodies& bodies);
bool is_vertex_predict(const Bodies& bodies);
bool is_vertex_prediction(const Bodies& bodies);  // by the answer alone
bool is_ollama_chat(const Bodies& bodies);
bool is_ollama_generate(const Bodies& bodies);
bool is_ollama_embed(const Bodies& bodies);
bool is_cohere_v1_chat(const Bodies& bodies);
bool is_cohere_v1_generate(const Bodies& bodies);
bool is_cohere_v2_chat(const Bodies& bodies);
bool is_cohere_embed(const Bodies& bodies);
bool is_rerank(const Bodies& bodies);
bool is_tgi(const Bodies& bodies);
bool is_llamacpp(const Bodies& bodies);
bool is_sglang(const Bodies& bodies);
bool is_triton(const Bodies& bodies);
bool is_alephalpha(const Bodies& bodies);
bool is_replicate(const Bodies& bodies);
bool is_generation_input(const Bodies& bodies);   // SageMaker: what a text generation container takes
bool is_responses_message(const Bodies& bodies);  // the first messages on a WebSocket
bool is_realtime_message(const Bodies& bodies);   // OpenAI's or Gemini's
bool is_mcp(const Bodies& bodies);                // by methods that are MCP's alone
bool is_mcp_by_name(const Bodies& bodies);        // by any method of MCP: for requests that bear its headers
bool is_a2a(const Bodies& bodies);

// The dialect of bodies without heads ("openai.chat", …): the response decides where there is one, for many APIs share
// their requests.
std::optional<std::string_view> dialect_by_shape(const Bodies& bodies);
std::optional<std::string_view> websocket_dialect_by_shape(const Bodies& bodies);

// One message of Gemini's on a WebSocket, from either side.
bool is_gemini_message(Json message);

}  // namespace llmsnoop::llm
