#include "agent/llm/shapes.h"

#include <array>
#include <span>

#include "agent/llm/json_rpc.h"

namespace llmsnoop::llm {
namespace {

bool is_text(Json value) {
    return value.kind() == Json::Kind::text;
}
bool is_text_or_list(Json value) {
    return is_text(value) || (value.is_array() && value.size() > 0);
}

bool object_is(Json document, std::string_view name) {
    return document["object"].text_or_empty() == name;
}

bool type_starts(Json document, std::string_view beginning) {
    return document["type"].text_or_empty().starts_with(beginning);
}

bool has_messages(Json request) {
    return request["messages"].is_array();
}

// A list of vectors, of either kind of name.
bool has_vectors(Json response) {
    const Json first = response["data"].at(0);
    return first["embedding"] || response["embeddings"] || response["embedding"];
}

Json first_of(Json document) {
    return document.is_array() ? document.at(0) : document;
}

std::string_view rpc_method(Json request) {
    const Json message = first_of(request);
    return message["jsonrpc"].text_or_empty() == "2.0" ? message["method"].text_or_empty() : std::string_view{};
}

}  // namespace

bool is_openai_chat(const Bodies& bodies) {
    if (bodies.response) {
        const Json choice = bodies.response["choices"].at(0);
        if (object_is(bodies.response, "chat.completion") || object_is(bodies.response, "chat.completion.chunk"))
            return true;
        if (choice["message"] || choice["delta"]) return true;
    }
    return has_messages(bodies.request) && is_text(bodies.request["model"]);
}

bool is_openai_completions(const Bodies& bodies) {
    if (object_is(bodies.response, "text_completion") || is_text(bodies.response["choices"].at(0)["text"])) return true;
    return is_text(bodies.request["model"]) && bodies.request["prompt"];
}

bool is_openai_responses(const Bodies& bodies) {
    if (object_is(bodies.response, "response") || type_starts(bodies.response, "response.")) return true;
    return is_text(bodies.request["model"]) && is_text_or_list(bodies.request["input"]);
}

bool is_openai_embeddings(const Bodies& bodies) {
    if (bodies.response && has_vectors(bodies.response)) return true;
    return is_text(bodies.request["model"]) && is_text_or_list(bodies.request["input"]);
}

bool is_openai_moderations(const Bodies& bodies) {
    return bodies.response["results"].at(0)["flagged"].truth().has_value() ||
           (bodies.request["input"] &&
            bodies.request["model"].text_or_empty().find("moderation") != std::string_view::npos);
}

bool is_openai_images(const Bodies& bodies) {
    const Json first = bodies.response["data"].at(0);
    return is_text(bodies.request["prompt"]) && (is_text(bodies.request["model"]) || first["url"] || first["b64_json"]);
}

bool is_openai_assistants(const Bodies& bodies) {
    return is_text(bodies.request["assistant_id"]) || object_is(bodies.response, "thread.run");
}

bool is_anthropic_messages(const Bodies& bodies) {
    if (bodies.response) {
        const bool message =
            bodies.response["type"].text_or_empty() == "message" && bodies.response["content"].is_array();
        if (message || bodies.response["type"].text_or_empty() == "message_start") return true;
    }
    return has_messages(bodies.request) && bodies.request["max_tokens"] &&
           (is_text(bodies.request["model"]) || is_text(bodies.request["anthropic_version"]));
}

bool is_anthropic_complete(const Bodies& bodies) {
    return is_text(bodies.request["prompt"]) && bodies.request["max_tokens_to_sample"];
}

bool is_bedrock_converse(const Bodies& bodies) {
    if (bodies.response["output"]["message"]["content"].is_array() && bodies.response["stopReason"]) return true;
    const Json part = bodies.request["messages"].at(0)["content"].at(0);
    return has_messages(bodies.request) && !bodies.request["model"] && part && !part["type"];
}

bool is_gemini_generate(const Bodies& bodies) {
    const Json chunk = first_of(bodies.response);
    if (chunk["candidates"].is_array() || chunk["usageMetadata"] || chunk["promptFeedback"]) return true;
    return bodies.request["contents"].at(0)["parts"].is_array();
}

bool is_gemini_interactions(const Bodies& bodies) {
    return object_is(bodies.response, "interaction") ||
           bodies.response["event_type"].text_or_empty().starts_with("interaction.");
}

bool is_mistral_conversation(const Bodies& bodies) {
    if (object_is(bodies.response, "conversation.response") || type_starts(bodies.response, "conversation.response."))
        return true;
    const Json request = bodies.request;
    const bool says_how = is_text(request["model"]) || is_text(request["agent_id"]) || request["completion_args"] ||
                          request["stream"].truth();
    return is_text_or_list(request["inputs"]) && says_how;
}

bool is_vertex_predict(const Bodies& bodies) {
    const Json instance = bodies.request["instances"].at(0);
    return is_text(instance["content"]) || is_text(instance["prompt"]) || is_vertex_prediction(bodies);
}

bool is_vertex_prediction(const Bodies& bodies) {
    const Json first = bodies.response["predictions"].at(0);
    return first["embeddings"] || is_text(first["bytesBase64Encoded"]);
}

bool is_ollama_chat(const Bodies& bodies) {
    return bodies.response["done"].truth().has_value() && bodies.response["message"].is_object();
}

bool is_ollama_generate(const Bodies& bodies) {
    return bodies.response["done"].truth().has_value() && is_text(bodies.response["response"]);
}

bool is_ollama_embed(const Bodies& bodies) {
    return is_text(bodies.request["model"]) &&
           (bodies.response["embeddings"].is_array() || bodies.response["embedding"].is_array());
}

bool is_cohere_v1_chat(const Bodies& bodies) {
    if (bodies.response["event_type"].text_or_empty() == "stream-start") return true;
    return is_text(bodies.request["message"]) || (is_text(bodies.response["text"]) && bodies.response["generation_id"]);
}

bool is_cohere_v1_generate(const Bodies& bodies) {
    return is_text(bodies.response["generations"].at(0)["text"]) ||
           bodies.response["event_type"].text_or_empty() == "text-generation";
}

bool is_cohere_v2_chat(const Bodies& bodies) {
    if (bodies.response["type"].text_or_empty() == "message-start") return true;
    return bodies.response["usage"]["billed_units"] && bodies.response["message"];
}

bool is_cohere_embed(const Bodies& bodies) {
    return (bodies.request["texts"].is_array() || bodies.request["inputs"].is_array()) && bodies.request["input_type"];
}

bool is_rerank(const Bodies& bodies) {
    const auto asks = [](Json body) {
        return (is_text(body["query"]) || body["query"].is_object()) && body["documents"].is_array();
    };
    return asks(bodies.request) || asks(bodies.request["input"]) || bodies.response["results"].at(0)["relevance_score"];
}

bool is_tgi(const Bodies& bodies) {
    const Json first = first_of(bodies.response);
    const bool answer = is_text(first["generated_text"]) || is_text(first["token"]["text"]);
    if (bodies.response) return answer || (is_text(bodies.request["inputs"]) && first["error_type"]);
    return is_text(bodies.request["inputs"]) && bodies.request["parameters"].is_object();
}

bool is_llamacpp(const Bodies& bodies) {
    if (bodies.response) return is_text(bodies.response["content"]) && bodies.response["stop"].truth().has_value();
    return bodies.request["prompt"] || is_text(bodies.request["input_prefix"]);
}

bool is_sglang(const Bodies& bodies) {
    if (first_of(bodies.response)["meta_info"]) return true;
    return (is_text_or_list(bodies.request["text"]) || bodies.request["input_ids"].is_array()) &&
           bodies.request["sampling_params"].is_object();
}

bool is_triton(const Bodies& bodies) {
    if (is_text(bodies.request["text_input"]) || is_text(bodies.response["text_output"])) return true;
    bool named = false;
    bodies.request["inputs"].each([&](Json input) { named = named || input["name"].text_or_empty() == "text_input"; });
    return named;
}

bool is_alephalpha(const Bodies& bodies) {
    return is_text(bodies.request["model"]) && bodies.request["prompt"] && bodies.request["maximum_tokens"];
}

bool is_replicate(const Bodies& bodies) {
    return bodies.request["input"].is_object();
}

bool is_generation_input(const Bodies& bodies) {
    return is_text_or_list(bodies.request["inputs"]) || bodies.request["prompt"] || has_messages(bodies.request) ||
           is_text(bodies.request["text_input"]) || is_text(bodies.request["text_inputs"]);
}

bool is_gemini_message(Json message) {
    for (const std::string_view name :
         {"setup", "setupComplete", "setup_complete", "clientContent", "client_content", "realtimeInput",
          "realtime_input", "toolResponse", "tool_response", "serverContent", "server_content", "toolCall", "tool_call",
          "usageMetadata", "usage_metadata"}) {
        if (message[name]) return true;
    }
    return false;
}

bool is_responses_message(const Bodies& bodies) {
    const Json create = bodies.request["response"].is_object() ? bodies.request["response"] : bodies.request;
    if (bodies.request["type"].text_or_empty() == "response.create" && is_text(create["model"]) && create["input"])
        return true;
    return object_is(bodies.response["response"], "response");
}

bool is_realtime_message(const Bodies& bodies) {
    if (is_gemini_message(bodies.request) || is_gemini_message(bodies.response)) return true;
    return type_starts(bodies.response, "session.") || object_is(bodies.response["response"], "realtime.response") ||
           type_starts(bodies.request, "session.") || type_starts(bodies.request, "input_audio_buffer.") ||
           type_starts(bodies.request, "conversation.item.");
}

std::optional<std::string_view> websocket_dialect_by_shape(const Bodies& bodies) {
    if (is_gemini_message(bodies.request) || is_gemini_message(bodies.response)) return "gemini.live.ws";
    if (is_responses_message(bodies)) return "openai.responses.ws";
    if (is_realtime_message(bodies)) return "openai.realtime.ws";
    return std::nullopt;
}

bool is_mcp(const Bodies& bodies) {
    const std::string_view method = rpc_method(bodies.request);
    if (protocol_of_method(method) != RpcProtocol::mcp) return false;
    // Names that other protocols on JSON-RPC use as well.
    if (method == "initialize") return is_text(first_of(bodies.request)["params"]["protocolVersion"]);
    return method != "ping" && !method.starts_with("notifications/");
}

bool is_mcp_by_name(const Bodies& bodies) {
    const Json message = first_of(bodies.request);
    if (message["jsonrpc"].text_or_empty() == "2.0" && !message["method"])
        return true;  // the client answers its server
    return protocol_of_method(rpc_method(bodies.request)) == RpcProtocol::mcp;
}

bool is_a2a(const Bodies& bodies) {
    return protocol_of_method(rpc_method(bodies.request)) == RpcProtocol::a2a;
}

namespace {

struct Test {
    std::string_view dialect;
    bool (*holds)(const Bodies&);
};

std::optional<std::string_view> first_that_holds(std::span<const Test> tests, const Bodies& bodies) {
    for (const Test& one : tests) {
        if (one.holds(bodies)) return one.dialect;
    }
    return std::nullopt;
}

// Bedrock's streams: pieces of a family's own documents, or Converse events.
bool is_bedrock_invoke_stream(const Bodies& bodies) {
    return is_text(bodies.response["bytes"]) && bodies.response.size() <= 2;
}
bool is_bedrock_converse_stream(const Bodies& bodies) {
    return bodies.response["role"].text_or_empty() == "assistant" &&
           bodies.response.size() == (bodies.response["p"] ? 2U : 1U);
}
bool is_embeddings_list(const Bodies& bodies) {
    return object_is(bodies.response, "list") && bodies.response["data"].at(0)["embedding"];
}
bool is_gemini_embed(const Bodies& bodies) {
    return bodies.response["embeddings"].at(0)["values"].is_array() ||
           bodies.response["embedding"]["values"].is_array();
}
// Counting tokens uses none, although the request is that of a call.
bool is_gemini_count(const Bodies& bodies) {
    return bodies.response["totalTokens"].count() && !bodies.response["candidates"];
}
bool is_anthropic_count(const Bodies& bodies) {
    return bodies.response["input_tokens"].count() && bodies.response.size() == 1;
}
bool starts_run(const Bodies& bodies) {
    return is_text(bodies.request["assistant_id"]);
}

// What only one of the two gives away.
bool is_anthropic_request(const Bodies& bodies) {
    return is_anthropic_messages(bodies) && (bodies.request["system"] || bodies.request["tools"].at(0)["input_schema"]);
}
bool is_openai_request(const Bodies& bodies) {
    return is_openai_chat(bodies) && (bodies.request["stream_options"] || bodies.request["tools"].at(0)["function"]);
}

}  // namespace

std::optional<std::string_view> dialect_by_shape(const Bodies& bodies) {
    // Order matters where one API's document would do for another's.
    static constexpr std::array kByAnswer{
        Test{"openai.responses", is_openai_responses},
        Test{"anthropic.messages", is_anthropic_messages},
        Test{"openai.completions", is_openai_completions},
        Test{"openai.chat", is_openai_chat},
        Test{"gemini.count_tokens", is_gemini_count},
        Test{"anthropic.count_tokens", is_anthropic_count},
        Test{"gemini.generate", is_gemini_generate},
        Test{"gemini.interactions", is_gemini_interactions},
        Test{"mistral.conversations", is_mistral_conversation},
        Test{"bedrock.converse", is_bedrock_converse},
        Test{"bedrock.invoke_stream", is_bedrock_invoke_stream},
        Test{"bedrock.converse_stream", is_bedrock_converse_stream},
        Test{"cohere.v2.chat", is_cohere_v2_chat},
        Test{"cohere.v1.chat", is_cohere_v1_chat},
        Test{"cohere.v1.generate", is_cohere_v1_generate},
        Test{"ollama.chat", is_ollama_chat},
        Test{"ollama.generate", is_ollama_generate},
        Test{"sglang.generate", is_sglang},
        Test{"tgi.generate", is_tgi},
        Test{"rerank", is_rerank},
        Test{"openai.moderations", is_openai_moderations},
        Test{"openai.embeddings", is_embeddings_list},
        Test{"gemini.embed", is_gemini_embed},
        Test{"vertex.predict", is_vertex_predict},
    };
    static constexpr std::array kByQuestion{
        Test{"a2a.jsonrpc", is_a2a},
        Test{"mcp", is_mcp},
        Test{"gemini.generate", is_gemini_generate},
        Test{"sglang.generate", is_sglang},
        Test{"openai.assistants", starts_run},
    };
    // Shared by many: they count only where the answer is no more telling (an error).
    static constexpr std::array kByCommonQuestion{
        Test{"rerank", is_rerank},
        Test{"cohere.embed", is_cohere_embed},
        Test{"anthropic.complete", is_anthropic_complete},
        Test{"anthropic.messages", is_anthropic_request},
        Test{"openai.chat", is_openai_request},
    };
    if (bodies.response) {
        if (const auto name = first_that_holds(kByAnswer, {{}, bodies.response})) return name;
    }
    const Bodies question{bodies.request, {}};
    if (const auto name = first_that_holds(kByQuestion, question)) return name;
    return bodies.response ? first_that_holds(kByCommonQuestion, question) : std::nullopt;
}

}  // namespace llmsnoop::llm
