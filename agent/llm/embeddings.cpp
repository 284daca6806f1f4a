#include "agent/llm/embeddings.h"

#include "agent/llm/cohere.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

// Voyage and Jina give only a total. All of it is input.
void set_input_only(std::optional<model::ReportedUsage> usage, model::LlmCall& call) {
    if (!usage) return;
    if (!usage->input) usage->input = usage->total;
    if (usage->input && !usage->output) usage->output = 0;
    usage->rule = model::UsageRule::plain;
    call.reported = std::move(usage);
}

// watsonx has a name of its own for the model, and counts beside the result.
std::string_view model_of(Json body) {
    return (body["model"] ? body["model"] : body["model_id"]).text_or_empty();
}

std::optional<model::ReportedUsage> usage_of(Json document) {
    if (auto usage = read_openai_usage(document["usage"])) return usage;
    const model::Count input = document["input_token_count"].count();
    if (!input) return std::nullopt;
    model::ReportedUsage out;
    out.input = input;
    return out;
}

void add_texts(Json input, PromptWriter& prompt) {
    const auto add = [&](Json one) {
        if (const auto text = one.text()) {
            prompt.add("user", *text);
        } else if (one.is_object()) {  // Jina: {text} or {image}; Voyage: {content: parts}
            const PartsText parts = text_of_parts(one);
            prompt.add("user", parts.text, parts.other_parts);
        }
    };
    if (input.is_array()) {
        input.each(add);
    } else {
        add(input);
    }
}

}  // namespace

void OpenaiEmbeddings::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, model_of(body));
    call.stream = false;
    PromptWriter prompt(call);
    add_texts(body["input"] ? body["input"] : body["inputs"], prompt);
    add_texts(body["content"], prompt);  // llama.cpp
}

void OpenaiEmbeddings::on_response(Json document, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, document["id"].text_or_empty());
    set_if_given(call.response_model, model_of(document));
    set_input_only(usage_of(document), call);
}

void Rerank::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, model_of(body));
    call.stream = false;
    PromptWriter prompt(call);
    const Json input = body["input"] ? body["input"] : body;  // DashScope puts both into `input`
    add_texts(input["query"], prompt);
    add_texts(input["documents"] ? input["documents"] : input["inputs"], prompt);
}

void Rerank::on_response(Json document, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id,
                 document["id"] ? document["id"].text_or_empty() : document["request_id"].text_or_empty());
    set_if_given(call.response_model, model_of(document));
    if (auto usage =
            read_cohere_usage(document["meta"])) {  // Cohere; SiliconFlow and LiteLLM have taken over the shape
        if (usage->input && !usage->output) usage->output = 0;
        call.reported = std::move(usage);
    }
    set_input_only(usage_of(document), call);
}

}  // namespace llmsnoop::llm
