#include "agent/llm/openai_media.h"

#include <algorithm>
#include <charconv>

#include "agent/llm/limits.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

void set_choices(std::optional<std::uint64_t> n, model::LlmCall& call) {
    if (n && *n > 0) call.choices = static_cast<std::uint32_t>(std::min<std::uint64_t>(*n, limits::kChoices));
}

}  // namespace

void OpenaiMedia::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    set_choices(body["n"].count(), call);
    PromptWriter prompt(call);
    if (const auto text = body["prompt"].text()) prompt.add("user", *text);
    if (const auto instructions = body["instructions"].text()) prompt.add("system", *instructions);
    const Json input = body["input"];
    if (input.text()) prompt.add("user", *input.text());
    input.each([&](Json one) {
        const PartsText text = text_of_parts(one);
        prompt.add("user", text.text, text.other_parts);
    });
}

void OpenaiMedia::on_field(std::string_view name, std::string_view value, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (name == "n") {
        std::uint64_t n = 0;
        if (std::from_chars(value.data(), value.data() + value.size(), n).ec == std::errc()) set_choices(n, call);
    }
    if (name == "model") set_if_given(call.request_model, value);
    if (name == "stream") call.stream = value == "true" || value == "True" || value == "1";
    if (name == "prompt") PromptWriter(call).add("user", value);
}

void OpenaiMedia::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, document["id"].text_or_empty());
    set_if_given(call.response_model, document["model"].text_or_empty());
    if (frame.kind == model::Frame::Kind::event) {
        // transcript.text.delta {delta}, image_generation.partial_image, speech.audio.delta {audio}, …
        if (const auto delta = document["delta"].text()) {
            answer().text(call, 0, *delta, frame.time);
        } else if (document["audio"] || document["b64_json"]) {
            answer().other_content(call, frame.time);
        }
        const std::string_view type = document["type"].text_or_empty();
        const bool is_last = type == "transcript.text.done" || type == "speech.audio.done" ||
                             type == "image_generation.completed" || type == "image_edit.completed";
        if (is_last && call.choices.value_or(1) == 1) end_stream(frame, calls);
    } else if (kind_ == Kind::audio) {
        answer().text(call, 0, document["text"].text_or_empty(), frame.time);
    } else if (kind_ == Kind::images && document["data"].size() > 0) {
        answer().other_content(call, frame.time);
    }
    if (auto usage = read_openai_usage(document["usage"])) call.reported = std::move(usage);
}

void OpenaiMedia::on_text(std::string_view text, const model::Frame& frame, Calls& calls) {
    // Sound, or a transcript as plain text or subtitles: no documents.
    if (kind_ != Kind::audio) return JsonDialect::on_text(text, frame, calls);
    answer().other_content(calls.open(), frame.time);
}

}  // namespace llmsnoop::llm
