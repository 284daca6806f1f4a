#include "agent/llm/gemini_generate.h"

#include <algorithm>
#include <string>

#include "agent/llm/limits.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

std::string_view role_of(Json content) {
    const std::string_view role = content["role"].text_or_empty();
    return role.empty() ? "user" : role;
}

}  // namespace

Json either(Json object, std::string_view camel, std::string_view snake) {
    const Json value = object[camel];
    return value ? value : object[snake];
}

void read_gemini_contents(Json contents, PromptWriter& prompt) {
    const auto add = [&](Json content) {
        const PartsText text = text_of_parts(content.text() ? content : content["parts"]);
        prompt.add(role_of(content), text.text, text.other_parts);
    };
    if (contents.is_array()) {
        contents.each(add);
    } else if (contents) {
        add(contents);
    }
}

void read_gemini_system(Json instruction, PromptWriter& prompt) {
    if (!instruction) return;
    const PartsText text = text_of_parts(instruction["parts"] ? instruction["parts"] : instruction);
    prompt.add("system", text.text, text.other_parts);
}

void read_gemini_parts(Json parts, std::size_t choice, base::Time time, Answer& answer, model::LlmCall& call) {
    parts.each([&](Json part) {
        if (const auto text = part["text"].text()) {
            if (part["thought"].truth().value_or(false)) {
                answer.reasoning(call, *text, time);
            } else {
                answer.text(call, choice, *text, time);
            }
        } else if (const Json function = either(part, "functionCall", "function_call")) {
            const std::string_view name = function["name"].text_or_empty();
            // Streamed arguments: the name comes once, then pieces without a name (partialArgs), each for some path.
            if (!name.empty()) {
                answer.tool_call(call, name, function["id"].text_or_empty(), function["args"], time);
            } else {
                answer.other_content(call, time);
            }
        } else if (either(part, "inlineData", "inline_data") || either(part, "executableCode", "executable_code")) {
            answer.other_content(call, time);
        }
    });
}

model::Framing GeminiGenerate::response_framing() const {
    if (kind_ == Kind::stream_as_array && !is_event_stream() && !is_error_status()) return model::Framing::json_array;
    return model::Framing::automatic;
}

void GeminiGenerate::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    call.stream = kind_ != Kind::generate;
    PromptWriter prompt(call);
    read_gemini_system(either(body, "systemInstruction", "system_instruction"), prompt);
    read_gemini_contents(body["contents"], prompt);
    set_tool_definitions(call, body["tools"]);
    const Json config = either(body, "generationConfig", "generation_config");
    if (const auto n = either(config, "candidateCount", "candidate_count").count(); n && *n > 0) {
        call.choices = static_cast<std::uint32_t>(std::min<std::uint64_t>(*n, limits::kChoices));
    }
}

void GeminiGenerate::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    if (document.is_array()) {  // a whole stream in one piece
        call.stream = true;
        document.each([&](Json chunk) { read_chunk(chunk, frame, call); });
    } else {
        read_chunk(document, frame, call);
    }
}

void GeminiGenerate::response_head(const model::MessageHead& head, Calls& calls) {
    JsonDialect::response_head(head, calls);
    if (const auto tier = model::header(head, "x-gemini-service-tier"))
        set_if_given(calls.open().service_tier, *tier);  // most answers repeat it
}

void GeminiGenerate::read_chunk(Json chunk, const model::Frame& frame, model::LlmCall& call) {
    const auto [error, id, model, candidates, usage] =
        chunk.pick({"error", "responseId", "modelVersion", "candidates", "usageMetadata"});
    if (error) read_error(chunk, ErrorBody::of_success, call);
    set_if_given(call.response_id, id.text_or_empty());
    set_if_given(call.response_model, model.text_or_empty());
    std::size_t position = 0;
    candidates.each([&](Json candidate) {
        const auto [number, content, reason] = candidate.pick({"index", "content", "finishReason"});
        const std::size_t index = static_cast<std::size_t>(number.count().value_or(position++));
        read_gemini_parts(content["parts"], index, frame.time, answer(), call);
        // Strings, but numbers with $alt=json;enum-encoding=int.
        answer().finish(call, index, text_or_number(reason));
        if (index < limits::kChoices)
            call.choices = std::max(call.choices.value_or(0), static_cast<std::uint32_t>(index + 1));
    });
    set_if_given(call.service_tier, read_gemini_tier(usage));
    if (auto counts = read_gemini_usage(usage, model::UsageRule::gemini)) call.reported = std::move(counts);
}

}  // namespace llmsnoop::llm
