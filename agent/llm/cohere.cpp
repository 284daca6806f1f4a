#include "agent/llm/cohere.h"

#include <array>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

std::optional<model::ReportedUsage> read_cohere_usage(Json usage) {
    if (!usage.is_object()) return std::nullopt;
    model::ReportedUsage out;
    out.rule = model::UsageRule::cohere;
    const Json tokens = usage["tokens"];
    const Json billed = usage["billed_units"];
    out.input = tokens["input_tokens"].count();
    out.output = tokens["output_tokens"].count();
    out.reasoning = tokens["reasoning_tokens"].count();
    out.input_image = tokens["image_tokens"].count();
    out.cache_read = usage["cached_tokens"].count();
    if (!out.input && !out.output) {
        out.input = billed["input_tokens"].count();
        out.output = billed["output_tokens"].count();
        out.input_image = billed["image_tokens"].count();
    }
    billed.each_member([&](std::string_view name, Json value) {
        if (const auto number = value.number()) add_detail(out, "billed_units." + bounded(name), *number);
    });
    if (!has_counts(out) && out.details.empty()) return std::nullopt;
    return out;
}

model::Framing CohereChat::response_framing() const {
    if (version_ == Version::v2 || has_content_type() || is_error_status() || !stream_)
        return model::Framing::automatic;
    return model::Framing::json_lines;
}

void CohereChat::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    stream_ = body["stream"].truth().value_or(false);
    if (!call.stream) call.stream = stream_;
    PromptWriter prompt(call);
    if (const auto preamble = body["preamble"].text()) prompt.add("system", *preamble);
    body["chat_history"].each(
        [&](Json turn) { prompt.add(turn["role"].text_or_empty(), turn["message"].text_or_empty()); });
    if (const auto message = body["message"].text()) prompt.add("user", *message);
    if (const auto text = body["prompt"].text()) prompt.add("user", *text);
    read_messages(body["messages"], call);
    set_tool_definitions(call, body["tools"]);
}

void CohereChat::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    if (version_ == Version::v1) {
        read_v1(document, frame.time, call);
    } else {
        read_v2(document, frame.time, call);
    }
    if (document["event_type"].text_or_empty() == "stream-end" || document["type"].text_or_empty() == "message-end")
        end_stream(frame, calls);
}

void CohereChat::read_v1(Json document, base::Time time, model::LlmCall& call) {
    const std::string_view type = document["event_type"].text_or_empty();
    if (type == "text-generation") {
        text_seen_ = true;
        answer().text(call, 0, document["text"].text_or_empty(), time);
    } else if (type == "stream-end" || (type.empty() && document["response"])) {
        answer().finish(call, 0, document["finish_reason"].text_or_empty());
        read_v1_answer(document["response"], time, call);
    } else if (type.empty()) {
        read_v1_answer(document, time, call);
    }
    // stream-start, search-queries-generation, tool-calls-chunk, ...: nothing that the last event does not repeat.
}

void CohereChat::read_v1_answer(Json response, base::Time time, model::LlmCall& call) {
    set_if_given(call.response_id, response["response_id"].text_or_empty());
    if (call.response_id.empty()) set_if_given(call.response_id, response["id"].text_or_empty());
    answer().finish(call, 0, response["finish_reason"].text_or_empty());
    if (!text_seen_) answer().text(call, 0, response["text"].text_or_empty(), time);
    std::size_t choice = 0;
    response["generations"].each([&](Json one) {
        if (!text_seen_) answer().text(call, choice, one["text"].text_or_empty(), time);
        answer().finish(call, choice++, one["finish_reason"].text_or_empty());
    });
    response["tool_calls"].each(
        [&](Json tool) { answer().tool_call(call, tool["name"].text_or_empty(), {}, tool["parameters"], time); });
    if (auto usage = read_cohere_usage(response["meta"])) call.reported = std::move(usage);
}

void CohereChat::read_v2(Json document, base::Time time, model::LlmCall& call) {
    set_if_given(call.response_id, document["id"].text_or_empty());
    const std::string key = std::to_string(document["index"].count().value_or(0));
    const Json delta = document["delta"];
    const Json source = delta ? delta : document;
    read_v2_message(source["message"], key, time, call);
    answer().finish(call, 0, source["finish_reason"].text_or_empty());
    if (auto usage = read_cohere_usage(source["usage"])) call.reported = std::move(usage);
}

void CohereChat::read_v2_message(Json message, const std::string& key, base::Time time, model::LlmCall& call) {
    const auto part = [&](Json one) {
        answer().reasoning(call, one["thinking"].text_or_empty(), time);
        answer().text(call, 0, one["text"].text_or_empty(), time);
    };
    answer().reasoning(call, message["tool_plan"].text_or_empty(), time);
    const Json content = message["content"];
    if (content.is_array()) {
        content.each(part);
    } else {
        part(content);
    }
    const Json tools = message["tool_calls"];
    if (tools.is_array()) {
        std::size_t index = 0;
        tools.each([&](Json tool) { read_v2_tool(tool, std::to_string(index++), time, call); });
    } else if (tools) {
        read_v2_tool(tools, key, time, call);
    }
}

void CohereChat::read_v2_tool(Json tool, const std::string& key, base::Time time, model::LlmCall& call) {
    const Json function = tool["function"];
    answer().tool_id(call, key, tool["id"].text_or_empty());
    answer().tool_name(call, key, function["name"].text_or_empty());
    if (function["arguments"] && answer().has_tool(key))
        answer().tool_arguments(call, key, function["arguments"], time);
}

JsonDialect::Chunks CohereChat::chunks() const {
    static constexpr std::array<std::string_view, 3> kText{"text", "delta.message.content.text",
                                                           "delta.message.tool_plan"};
    return {kText, {}};
}

void CohereEmbed::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    call.stream = false;
    PromptWriter prompt(call);
    body["texts"].each([&](Json text) { prompt.add("user", text.text_or_empty()); });
    body["inputs"].each([&](Json input) {
        const PartsText text = text_of_parts(input["content"]);
        prompt.add("user", text.text, text.other_parts);
    });
}

void CohereEmbed::on_response(Json document, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, document["id"].text_or_empty());
    if (auto usage = read_cohere_usage(document["meta"])) {
        if (usage->input && !usage->output) usage->output = 0;
        call.reported = std::move(usage);
    }
}

}  // namespace llmsnoop::llm
