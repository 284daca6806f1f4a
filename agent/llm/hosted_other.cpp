#include "agent/llm/hosted_other.h"

#include <string>

#include "agent/base/bytes.h"
#include "agent/llm/bedrock_converse.h"
#include "agent/llm/limits.h"
#include "agent/llm/openai_chat.h"
#include "agent/llm/self_hosted.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

// ---- watsonx

void Watsonx::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model_id"].text_or_empty());
    PromptWriter(call).add("user", body["input"].text_or_empty());
}

void Watsonx::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    const Json errors = document["errors"];
    if (const Json error = errors.is_array() ? errors.at(0) : errors)
        set_error(call, error["code"].text_or_empty(), error["message"].text_or_empty());
    set_if_given(call.response_model, document["model_id"].text_or_empty());
    // In a stream each event counts the tokens generated so far, and the input only once.
    model::ReportedUsage usage = call.reported.value_or(model::ReportedUsage{});
    std::size_t choice = 0;
    document["results"].each([&](Json result) {
        answer().text(call, choice, result["generated_text"].text_or_empty(), frame.time);
        const std::string_view reason = result["stop_reason"].text_or_empty();
        if (reason != "not_finished") answer().finish(call, choice, reason);
        if (const auto count = result["generated_token_count"].count()) usage.output = count;
        if (const auto count = result["input_token_count"].count(); count && (*count > 0 || !usage.input))
            usage.input = count;
        ++choice;
    });
    if (has_counts(usage)) call.reported = std::move(usage);
}

// ---- Aleph Alpha

void AlephAlpha::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    const Json prompt = body["prompt"];
    PartsText text;
    if (prompt.is_array()) {  // [{type: text, data}, {type: image, data}]
        prompt.each([&](Json part) {
            if (part["type"].text_or_empty() == "text") {
                text.text.append(part["data"].text_or_empty());
            } else {
                ++text.other_parts;
            }
        });
    } else {
        text.text = prompt.text_or_empty();
    }
    PromptWriter(call).add("user", text.text, text.other_parts);
}

void AlephAlpha::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    // "model_version" is a month, no model's name.
    answer().text(call, 0, document["completion"].text_or_empty(), frame.time);  // a chunk of a stream
    std::size_t choice = 0;
    document["completions"].each([&](Json one) {
        answer().text(call, choice, one["completion"].text_or_empty(), frame.time);
        answer().finish(call, choice++, one["finish_reason"].text_or_empty());
    });
    answer().finish(call, 0, document["finish_reason"].text_or_empty());
    model::ReportedUsage usage;
    usage.input = document["num_tokens_prompt_total"].count();
    usage.output = document["num_tokens_generated"].count();
    if (has_counts(usage)) call.reported = std::move(usage);
}

// ---- Replicate

void Replicate::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (const auto version = body["version"].text()) set_if_given(call.request_model, *version);
    const Json input = body["input"];
    PromptWriter prompt(call);
    if (const auto system = input["system_prompt"].text()) prompt.add("system", *system);
    if (const auto text = input["prompt"].text()) prompt.add("user", *text);
}

void Replicate::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, document["id"].text_or_empty());
    set_if_given(call.response_model, document["model"].text_or_empty());
    answer().finish(call, 0, document["status"].text_or_empty());
    const Json output = document["output"];
    if (const auto text = output.text()) answer().text(call, 0, *text, frame.time);
    output.each([&](Json piece) { answer().text(call, 0, piece.text_or_empty(), frame.time); });
    const Json metrics = document["metrics"];
    model::ReportedUsage usage;
    usage.input = metrics["input_token_count"].count();
    usage.output = metrics["output_token_count"].count();
    if (has_counts(usage)) call.reported = std::move(usage);
}

// ---- SageMaker

JsonDialect& SageMaker::inner(Json document) {
    if (!inner_) {
        const bool openai = document["choices"] || document["messages"];
        if (openai) {
            inner_ = std::make_unique<OpenaiChat>(OpenaiChat::Kind::chat, losses());
        } else {
            inner_ = std::make_unique<Tgi>(losses());
        }
    }
    return *inner_;
}

void SageMaker::response_head(const model::MessageHead& head, Calls& calls) {
    JsonDialect::response_head(head, calls);
    if (is_error_status()) read_aws_error_type(head, calls.open());
}

void SageMaker::on_request(Json body, const model::Frame& frame, Calls& calls) {
    inner(body).request(frame, calls);
}

void SageMaker::on_response(Json document, const model::Frame& frame, Calls& calls) {
    inner(document).response(frame, calls);
}

void SageMaker::response(const model::Frame& frame, Calls& calls) {
    if (frame.kind != model::Frame::Kind::event || frame.exception) return JsonDialect::response(frame, calls);
    last_ = frame;
    std::string_view rest = base::as_text(frame.document);
    while (true) {
        const std::size_t end = rest.find('\n');
        const std::string_view piece = rest.substr(0, end);
        if (line_.size() + piece.size() > limits::kLineBytes) {
            losses().add(model::Loss::frame_too_large);
            calls.open().completion_cut = true;
            line_.clear();
        } else {
            line_.append(piece);
        }
        if (end == std::string_view::npos) return;
        read_line(line_, frame, calls);
        line_.clear();
        rest.remove_prefix(end + 1);
    }
}

// A line of SSE, of JSON lines, or a comment.
void SageMaker::read_line(std::string_view line, const model::Frame& frame, Calls& calls) {
    if (line.starts_with("data:")) line.remove_prefix(5);
    if (line.find('{') == std::string_view::npos) return;
    model::Frame part = frame;
    part.name = {};
    part.document = base::as_bytes(line);
    JsonDialect::response(part, calls);
}

void SageMaker::end(base::Time time, Calls& calls) {
    if (line_.empty()) return;
    last_.time = time;
    read_line(line_, last_, calls);
    line_.clear();
}

}  // namespace llmsnoop::llm
