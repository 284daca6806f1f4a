#include "agent/llm/bedrock_invoke.h"

#include <string>

#include "agent/base/bytes.h"
#include "agent/llm/anthropic_messages.h"
#include "agent/llm/base64.h"
#include "agent/llm/json_document.h"
#include "agent/llm/openai_chat.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

void fill(model::ReportedUsage& usage, const std::optional<model::ReportedUsage>& from) {
    if (!from) return;
    if (!usage.input) usage.input = from->input;
    if (!usage.output) usage.output = from->output;
    if (!usage.cache_read) usage.cache_read = from->cache_read;
    if (!usage.cache_write) usage.cache_write = from->cache_write;
}

bool is_anthropic_type(std::string_view type) {
    return type == "message" || type.starts_with("message_") || type.starts_with("content_block_") || type == "ping";
}

// Titan, Llama: their own names for the two counts.
std::optional<model::ReportedUsage> read_native_usage(Json document) {
    model::ReportedUsage usage;
    usage.input = document["inputTextTokenCount"].count();
    if (!usage.input) usage.input = document["prompt_token_count"].count();
    usage.output = document["totalOutputTextTokenCount"].count();
    if (!usage.output) usage.output = document["generation_token_count"].count();
    if (!usage.output) {
        document["results"].each([&](Json one) {
            if (const auto count = one["tokenCount"].count()) usage.output = usage.output.value_or(0) + *count;
        });
    }
    if (!has_counts(usage)) return std::nullopt;
    return usage;
}

// Nova Sonic: {"event": {"usageEvent": {...}}}, cumulative.
std::optional<model::ReportedUsage> read_usage_event(Json event) {
    model::ReportedUsage usage;
    usage.input = event["totalInputTokens"].count();
    usage.output = event["totalOutputTokens"].count();
    usage.total = event["totalTokens"].count();
    if (!has_counts(usage)) return std::nullopt;
    return usage;
}

}  // namespace

void BedrockInvoke::response_head(const model::MessageHead& head, Calls& calls) {
    JsonDialect::response_head(head, calls);
    model::LlmCall& call = calls.open();
    if (is_error_status()) {
        read_aws_error_type(head, call);
        return;
    }
    if (const auto tier = model::header(head, "x-amzn-bedrock-service-tier")) tier_ = bounded(*tier);
    set_if_given(call.service_tier, tier_);
    model::ReportedUsage usage;
    usage.rule = model::UsageRule::bedrock;
    usage.input = count_in_header(head, "x-amzn-bedrock-input-token-count");
    usage.output = count_in_header(head, "x-amzn-bedrock-output-token-count");
    usage.cache_read = count_in_header(head, "x-amzn-bedrock-cache-read-input-token-count");
    usage.cache_write = count_in_header(head, "x-amzn-bedrock-cache-write-input-token-count");
    if (!has_counts(usage)) return;
    headers_ = std::move(usage);
    settle_usage(call);
}

void BedrockInvoke::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (const auto bytes = body["bytes"].text()) return;  // an event of a duplex stream (speech)
    PromptWriter prompt(call);
    if (const Json system = body["system"]) {
        const PartsText text = text_of_parts(system);
        prompt.add("system", text.text, text.other_parts);
    }
    for (const std::string_view name : {"prompt", "inputText", "message"}) {
        if (const auto text = body[name].text()) prompt.add("user", *text);
    }
    body["texts"].each([&](Json text) { prompt.add("user", text.text_or_empty()); });
    read_messages(body["messages"], call);
    set_tool_definitions(call, body["tools"] ? body["tools"] : body["toolConfig"]["tools"]);
}

void BedrockInvoke::on_response(Json document, const model::Frame& frame, Calls& calls) {
    if (const auto bytes = document["bytes"].text()) {
        if (const auto inner = decode_base64(*bytes)) {
            read_inner(*inner, frame, calls);
        } else {
            lose(calls);
        }
    } else {
        read_family(document, base::as_text(frame.document), frame, calls);
    }
}

void BedrockInvoke::read_inner(std::string_view text, const model::Frame& frame, Calls& calls) {
    JsonDocument document;
    const Json value = document.parse(text);
    if (document.was_damaged()) lose(calls);
    if (value) read_family(value, text, frame, calls);
}

void BedrockInvoke::read_family(Json document, std::string_view text, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (auto metrics = read_bedrock_usage(document["amazon-bedrock-invocationMetrics"])) {
        metrics->details.clear();  // latencies
        metrics_ = std::move(metrics);
    }
    if (!inner_) {
        if (is_anthropic_type(document["type"].text_or_empty())) {
            inner_ = std::make_unique<AnthropicMessages>(losses());
        } else if (document["choices"].is_array()) {
            inner_ = std::make_unique<OpenaiChat>(OpenaiChat::Kind::chat, losses());
        }
    }
    call.reported = family_;
    if (inner_) {
        model::Frame part = frame;
        part.document = base::as_bytes(text);
        part.name = {};
        inner_->response(part, calls);
        set_if_given(call.service_tier, tier_);  // Bedrock's word, before that of the model's maker
    } else {
        read_native(document, frame.time, call);
    }
    family_ = std::move(call.reported);
    settle_usage(call);
}

void BedrockInvoke::read_native(Json document, base::Time time, model::LlmCall& call) {
    read_error(document, ErrorBody::of_success, call);
    // Nova speaks Converse, with the event's name around each event: {"contentBlockDelta": {...}}.
    for (const std::string_view event : {"contentBlockStart", "contentBlockDelta", "messageStop", "metadata"}) {
        if (const Json inner = document[event]) return converse_.read(inner, time, call);
    }
    if (document["output"]["message"]) return converse_.read(document, time, call);

    const auto finish = [&](std::size_t choice, Json reason) { answer().finish(call, choice, reason.text_or_empty()); };
    std::size_t choice = 0;
    const auto texts = [&](Json list, std::string_view text, std::string_view reason) {
        list.each([&](Json one) {
            answer().text(call, choice, one[text].text_or_empty(), time);
            finish(choice++, one[reason]);
        });
    };
    texts(document["results"], "outputText", "completionReason");  // Titan
    texts(document["outputs"], "text", "stop_reason");             // Mistral
    texts(document["generations"], "text", "finish_reason");       // Cohere Command
    document["completions"].each([&](Json one) {                   // AI21 Jurassic
        answer().text(call, choice, one["data"]["text"].text_or_empty(), time);
        finish(choice++, one["finishReason"]["reason"]);
    });
    answer().text(call, 0, document["outputText"].text_or_empty(), time);  // Titan, streaming
    finish(0, document["completionReason"]);
    answer().text(call, 0, document["generation"].text_or_empty(), time);  // Llama
    answer().text(call, 0, document["completion"].text_or_empty(), time);  // Claude before Messages
    finish(0, document["stop_reason"]);
    if (choice == 0) answer().text(call, 0, document["text"].text_or_empty(), time);  // Cohere Command R
    finish(0, document["finish_reason"]);
    document["tool_calls"].each(  // Cohere Command R
        [&](Json tool) { answer().tool_call(call, tool["name"].text_or_empty(), {}, tool["parameters"], time); });
    if (auto usage = read_native_usage(document)) {
        fill(*usage, call.reported);  // a streaming Llama counts the prompt in its first document alone
        call.reported = std::move(usage);
    }
    if (document["embedding"] || document["embeddings"] || document["embeddingsByType"]) call.operation = "embeddings";

    const Json event = document["event"];  // Nova Sonic
    if (auto usage = read_usage_event(event["usageEvent"])) call.reported = std::move(usage);
    if (const Json text = event["textOutput"]["content"]) answer().text(call, 0, text.text_or_empty(), time);
    if (event["audioOutput"]) answer().other_content(call, time);
    if (const Json tool = event["toolUse"]) {
        answer().tool_call(call, tool["toolName"].text_or_empty(), tool["toolUseId"].text_or_empty(), tool["content"],
                           time);
    }
    finish(0, event["completionEnd"]["stopReason"]);
}

void BedrockInvoke::settle_usage(model::LlmCall& call) {
    if (family_) {
        call.reported = family_;
    } else {
        call.reported = metrics_ ? metrics_ : headers_;
    }
    if (!call.reported) return;
    fill(*call.reported, metrics_);
    fill(*call.reported, headers_);
    if (call.operation == "embeddings" && call.reported->input && !call.reported->output) call.reported->output = 0;
}

}  // namespace llmsnoop::llm
