#include "agent/llm/ollama.h"

#include <array>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

model::Framing Ollama::response_framing() const {
    if (has_content_type() || is_error_status() || !stream_) return model::Framing::automatic;
    return model::Framing::json_lines;
}

void Ollama::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    stream_ = kind_ != Kind::embed && body["stream"].truth().value_or(true);
    if (!call.stream) call.stream = stream_;
    if (const auto system = body["system"].text(); system && !system->empty())
        PromptWriter(call).add("system", *system);
    read_messages(body["messages"], call);
    PromptWriter prompt(call);
    const Json text = body["prompt"] ? body["prompt"] : body["input"];
    if (text.text()) prompt.add("user", *text.text());
    text.each([&](Json one) { prompt.add("user", one.text_or_empty()); });
    set_tool_definitions(call, body["tools"]);
}

void Ollama::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_model, document["model"].text_or_empty());
    const Json message = document["message"] ? document["message"] : document;
    answer().reasoning(call, message["thinking"].text_or_empty(), frame.time);
    answer().text(call, 0, document["message"]["content"].text_or_empty(), frame.time);
    answer().text(call, 0, document["response"].text_or_empty(), frame.time);
    message["tool_calls"].each([&](Json tool) {
        const Json function = tool["function"];
        answer().tool_call(call, function["name"].text_or_empty(), tool["id"].text_or_empty(), function["arguments"],
                           frame.time);
    });
    answer().finish(call, 0, document["done_reason"].text_or_empty());
    read_usage(document, call);
    if (document["done"].truth().value_or(false)) end_stream(frame, calls);
}

void Ollama::read_usage(Json document, model::LlmCall& call) {
    const std::string_view reason = document["done_reason"].text_or_empty();
    if (reason == "load" || reason == "unload") return;  // nothing was asked of the model
    model::ReportedUsage usage;
    usage.input = document["prompt_eval_count"].count();
    usage.output = document["eval_count"].count();
    usage.cache_read = document["prompt_eval_cached_count"].count();
    if (!has_counts(usage)) return;
    if (kind_ == Kind::embed && !usage.output) usage.output = 0;
    call.reported = std::move(usage);
}

JsonDialect::Chunks Ollama::chunks() const {
    static constexpr std::array<std::string_view, 4> kText{"message.content", "message.thinking", "response",
                                                           "thinking"};
    static constexpr std::array<std::string_view, 1> kUnread{"created_at"};
    return {kText, kUnread};
}

}  // namespace llmsnoop::llm
