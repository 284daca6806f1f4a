#include "agent/llm/gemini_other.h"

#include <array>
#include <string>

#include "agent/llm/gemini_generate.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

std::optional<model::ReportedUsage> read_interaction_usage(Json usage) {
    if (!usage.is_object()) return std::nullopt;
    model::ReportedUsage out;
    out.rule = model::UsageRule::gemini;
    out.input = usage["total_input_tokens"].count();
    out.output = usage["total_output_tokens"].count();
    out.reasoning = usage["total_thought_tokens"].count();
    if (!out.reasoning) out.reasoning = usage["total_reasoning_tokens"].count();
    out.cache_read = usage["total_cached_tokens"].count();
    out.input_tool_use = usage["total_tool_use_tokens"].count();
    out.total = usage["total_tokens"].count();
    static constexpr std::array<std::string_view, 7> kTaken{
        "total_input_tokens",  "total_output_tokens",   "total_thought_tokens", "total_reasoning_tokens",
        "total_cached_tokens", "total_tool_use_tokens", "total_tokens"};
    add_details(out, usage, kTaken);
    if (!has_counts(out)) return std::nullopt;
    return out;
}

}  // namespace

void GeminiInteractions::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"] ? body["model"].text_or_empty() : body["agent"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    PromptWriter prompt(call);
    read_gemini_system(body["system_instruction"], prompt);
    const Json input = body["input"];
    const auto add = [&](Json one) {
        const PartsText text = text_of_parts(one["content"] ? one["content"] : one);
        const std::string_view role = one["role"].text_or_empty();
        prompt.add(role.empty() ? "user" : role, text.text, text.other_parts);
    };
    if (input.is_array()) {
        input.each(add);
    } else if (input) {
        add(input);
    }
    set_tool_definitions(call, body["tools"]);
}

void GeminiInteractions::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    // What it has come to so far: all there is if the stream is given up before the interaction ends.
    if (auto usage = read_interaction_usage(document["metadata"]["usage"])) call.reported = std::move(usage);
    const std::string_view type = document["event_type"].text_or_empty();
    const std::string key = std::to_string(document["index"].count().value_or(0));
    if (type == "step.start" || type == "content.start") {
        steps_seen_ = true;
        read_step(document["step"] ? document["step"] : document["content"], key, frame.time, call);
    } else if (type == "step.delta" || type == "content.delta") {
        steps_seen_ = true;
        const Json delta = document["delta"];
        if (delta["type"].text_or_empty() == "arguments_delta") {
            if (answer().has_tool(key)) answer().tool_arguments(call, key, delta["arguments"], frame.time);
        } else {
            read_step(delta, key, frame.time, call);
        }
    } else if (const Json interaction = document["interaction"]) {
        read_interaction(interaction, frame.time, call);
        if (type == "interaction.completed" || type == "interaction.complete") end_stream(frame, calls);
    } else if (type.empty()) {
        read_interaction(document, frame.time, call);
    } else {
        answer().finish(call, 0, document["status"].text_or_empty());
    }
}

void GeminiInteractions::read_interaction(Json interaction, base::Time time, model::LlmCall& call) {
    set_if_given(call.response_id, interaction["id"].text_or_empty());
    set_if_given(call.response_model, interaction["model"].text_or_empty());
    set_if_given(call.service_tier, interaction["service_tier"].text_or_empty());
    answer().finish(call, 0, interaction["status"].text_or_empty());
    if (auto usage = read_interaction_usage(interaction["usage"])) call.reported = std::move(usage);
    if (steps_seen_) return;
    std::size_t index = 0;
    const auto read = [&](Json step) { read_step(step, std::to_string(index++), time, call); };
    interaction["steps"].each(read);
    interaction["outputs"].each(read);
}

void GeminiInteractions::read_step(Json step, const std::string& key, base::Time time, model::LlmCall& call) {
    const std::string_view type = step["type"].text_or_empty();
    if (type == "function_call") {
        answer().tool_id(call, key, step["id"].text_or_empty());
        answer().tool_name(call, key, step["name"].text_or_empty());
        if (step["arguments"].size() > 0) answer().tool_arguments(call, key, step["arguments"], time);
    } else if (type == "thought" || type == "thought_summary") {
        const Json summary = step["summary"] ? step["summary"] : step["content"];
        answer().reasoning(call, text_of_parts(summary).text, time);
    } else if (type == "text" || type == "model_output") {
        answer().text(call, 0, step["text"].text_or_empty(), time);
        step["content"].each([&](Json part) { answer().text(call, 0, part["text"].text_or_empty(), time); });
    } else if (type == "audio" || type == "image" || type == "video") {
        answer().other_content(call, time);
    }
}

JsonDialect::Chunks GeminiInteractions::chunks() const {
    static constexpr std::array<std::string_view, 1> kText{"delta.text"};
    return {kText, {}};
}

void GeminiEmbed::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    call.stream = false;
    PromptWriter prompt(call);
    const auto add = [&](Json request) {
        const PartsText text = text_of_parts(request["content"]["parts"]);
        prompt.add("user", text.text, text.other_parts);
    };
    if (body["requests"]) {
        body["requests"].each(add);
    } else if (body["content"]) {
        add(body);
    }
}

void GeminiEmbed::on_response(Json document, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    if (auto usage = read_gemini_usage(document["usageMetadata"], model::UsageRule::plain)) {
        usage->output = usage->output.value_or(0);
        call.reported = std::move(usage);
        set_if_given(call.service_tier, read_gemini_tier(document["usageMetadata"]));
    }
}

void VertexPredict::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    call.stream = false;
    PromptWriter prompt(call);
    body["instances"].each([&](Json instance) {
        const Json text = instance["content"] ? instance["content"] : instance["prompt"];
        prompt.add("user", text.text_or_empty(), text ? 0 : 1);
    });
}

void VertexPredict::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    model::ReportedUsage usage;
    document["predictions"].each([&](Json prediction) {
        if (const auto count = prediction["embeddings"]["statistics"]["token_count"].count()) {
            usage.input = usage.input.value_or(0) + *count;
        }
        answer().text(call, 0, prediction["content"].text_or_empty(), frame.time);
    });
    const Json tokens = document["metadata"]["tokenMetadata"];
    if (const auto count = tokens["inputTokenCount"]["totalTokens"].count()) usage.input = count;
    if (const auto count = tokens["outputTokenCount"]["totalTokens"].count()) usage.output = count;
    if (!has_counts(usage)) return;
    if (!usage.output) usage.output = 0;  // embeddings generate no tokens
    if (const auto characters = document["metadata"]["billableCharacterCount"].number()) {
        add_detail(usage, "billableCharacterCount", *characters);
    }
    call.reported = std::move(usage);
}

}  // namespace llmsnoop::llm
