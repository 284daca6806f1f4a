#include <algorithm>

#include "tests/support/clients/model_call.h"
#include "tests/support/net/append.h"
#include "tests/support/net/compression.h"
#include "tests/support/net/wording.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kRequestChunk = 8192;

struct ApiText {
    std::string_view dialect;
    std::string_view path;
    std::string_view model;
    std::string_view before_prompt;  // JSON, up to and including the quote that opens the prompt
    std::string_view after_prompt;
    std::string_view tools;
    std::string_view headers;
};

constexpr std::string_view kOpenAiTools =
    R"(,"tools":[{"type":"function","function":{"name":"get_weather","description":"Weather at a place","parameters":)"
    R"({"type":"object","properties":{"location":{"type":"string"},"days":{"type":"integer"}},"required":["location"]}}},)"
    R"({"type":"function","function":{"name":"get_time","parameters":{"type":"object","properties":{}}}}])";
constexpr std::string_view kFlatTools =
    R"(,"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":)"
    R"({"location":{"type":"string"}},"required":["location"]}}])";
constexpr std::string_view kAnthropicTools =
    R"(,"tools":[{"name":"get_weather","description":"Weather at a place","input_schema":{"type":"object",)"
    R"("properties":{"location":{"type":"string"}},"required":["location"]}}])";
constexpr std::string_view kBearer = "Authorization: Bearer sk-test-0000\r\n";

const ApiText& text_of(ClientApi api) {
    static constexpr ApiText kOpenAi{
        "openai.chat", "/v1/chat/completions", "gpt-4o-mini", R"("messages":[{"role":"user","content":")",
        R"("}])",      kOpenAiTools,           kBearer};
    static constexpr ApiText kResponses{"openai.responses", "/v1/responses", "gpt-4.1", R"("input":")", R"(")",
                                        kFlatTools,         kBearer};
    static constexpr ApiText kEmbeddings{
        "openai.embeddings", "/v1/embeddings", "text-embedding-3-small", R"("input":[")", R"("])", "", kBearer};
    static constexpr ApiText kAnthropic{"anthropic.messages",
                                        "/v1/messages",
                                        "claude-sonnet-4-5",
                                        R"("max_tokens":1024,"messages":[{"role":"user","content":")",
                                        R"("}])",
                                        kAnthropicTools,
                                        "x-api-key: sk-ant-test-0000\r\nanthropic-version: 2023-06-01\r\n"};
    switch (api) {
        case ClientApi::openai:
            return kOpenAi;
        case ClientApi::responses:
            return kResponses;
        case ClientApi::embeddings:
            return kEmbeddings;
        case ClientApi::anthropic:
            return kAnthropic;
    }
    return kOpenAi;
}

std::string make_json(const CallPlan& plan, std::string_view mark, std::uint64_t seed) {
    const ApiText& api = text_of(plan.api);
    std::string before;
    append(before, R"({"model":")", model_of(plan), R"(",)", api.before_prompt, plan.prompt, mark);
    std::string after(api.after_prompt);
    if (plan.tools) after += api.tools;
    if (plan.stream) after += R"(,"stream":true)";
    if (plan.api == ClientApi::openai) {
        if (plan.stream && plan.include_usage) after += R"(,"stream_options":{"include_usage":true})";
        if (plan.choices > 1) append(after, R"(,"n":)", plan.choices);
    }
    after += '}';
    const std::size_t fixed = before.size() + after.size();
    if (plan.body_size > fixed) before += Wording(seed).exactly(plan.body_size - fixed);
    return before + after;
}

std::string in_chunks(std::string_view content) {
    std::string framed;
    while (!content.empty()) {
        const std::string_view chunk = content.substr(0, kRequestChunk);
        content.remove_prefix(chunk.size());
        char digits[16];
        const auto end = std::to_chars(digits, digits + sizeof digits, chunk.size(), 16).ptr;
        append(framed, std::string_view(digits, static_cast<std::size_t>(end - digits)), "\r\n", chunk, "\r\n");
    }
    return framed + "0\r\n\r\n";
}

}  // namespace

std::string_view name_of(ClientApi api) {
    return text_of(api).dialect;
}
std::string_view model_of(const CallPlan& plan) {
    return plan.model.empty() ? text_of(plan.api).model : std::string_view(plan.model);
}

RequestText make_request(const CallPlan& plan, std::string_view mark, std::uint64_t seed) {
    RequestText request;
    request.json = make_json(plan, mark, seed);
    if (plan.coding == BodyCoding::gzip) {
        Compressor::create(Coding::gzip)->add(request.json, Flush::finish, request.body);
    } else {
        request.body = request.json;
    }
    request.body_bytes = request.body.size();
    const ApiText& api = text_of(plan.api);
    append(request.head, "POST ", api.path, plan.query.empty() ? "" : "?", plan.query, " HTTP/1.1\r\nHost: ", plan.host,
           "\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: llmsnoop-test/1\r\n",
           api.headers);
    for (const std::string& header : plan.headers)
        append(request.head, header, "\r\n");
    if (plan.coding == BodyCoding::gzip) request.head += "Content-Encoding: gzip\r\n";
    if (plan.expect_continue) request.head += "Expect: 100-continue\r\n";
    if (plan.framing == BodyFraming::chunked) {
        request.head += "Transfer-Encoding: chunked\r\n\r\n";
        request.body = in_chunks(request.body);
    } else {
        append(request.head, "Content-Length: ", request.body.size(), "\r\n\r\n");
    }
    return request;
}

}  // namespace llmsnoop::support
