#include "agent/llm/anthropic_messages.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

std::string block_key(Json event) {
    return std::to_string(event["index"].count().value_or(0));
}

// Adds what a later event reports. Fields that it leaves out stay.
void update(model::LlmCall& call, model::ReportedUsage later) {
    if (!call.reported) {
        call.reported = std::move(later);
        return;
    }
    model::ReportedUsage& known = *call.reported;
    const auto sum = [](const model::ReportedUsage& usage) {
        return usage.input.value_or(0) + usage.cache_read.value_or(0) + usage.cache_write.value_or(0);
    };
    // Some servers end with zeros in place of an input that they reported at the start (T2).
    if (sum(later) > 0 || sum(known) == 0) {
        if (later.input) known.input = later.input;
        if (later.cache_read) known.cache_read = later.cache_read;
        if (later.cache_write) known.cache_write = later.cache_write;
    }
    if (later.output) known.output = later.output;
    if (later.reasoning) known.reasoning = later.reasoning;
    if (!later.passes.empty()) known.passes = std::move(later.passes);
    for (const auto& detail : later.details) {
        const auto at = std::find_if(known.details.begin(), known.details.end(),
                                     [&](const auto& one) { return one.first == detail.first; });
        if (at != known.details.end()) {
            at->second = detail.second;
        } else {
            add_detail(known, detail.first, detail.second);
        }
    }
}

// Fast mode is billed by prices of its own, as tiers are.
void read_tier(Json usage, model::LlmCall& call) {
    constexpr std::string_view kStandard = "standard", kFast = "fast";
    const std::string_view speed = usage["speed"].text_or_empty();
    if (!speed.empty() && speed != kStandard) {
        set_if_given(call.service_tier, speed);
    } else if (speed == kStandard || call.service_tier != kFast) {  // or else this event just does not repeat it
        set_if_given(call.service_tier, usage["service_tier"].text_or_empty());
    }
}

}  // namespace

void AnthropicMessages::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    if (const Json system = body["system"]) {
        const PartsText text = text_of_parts(system);
        PromptWriter(call).add("system", text.text, text.other_parts);
    }
    read_messages(body["messages"], call);
    set_tool_definitions(call, body["tools"]);
}

void AnthropicMessages::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    const std::string_view type = document["type"].text_or_empty();
    if (type == "content_block_delta") {
        read_delta(document["delta"], block_key(document), frame.time, call);
    } else if (type == "content_block_start") {
        read_block(document["content_block"], block_key(document), frame.time, call);
    } else if (type == "content_block_stop") {
        end_block(block_key(document), frame.time, call);
    } else if (type == "message_start") {
        const Json message = document["message"];
        read_message(message, call);
        // Mostly nothing; what a program had called before the answer goes on.
        read_content(message["content"], "start ", frame.time, call);
        read_tier(message["usage"], call);
        if (auto usage = read_anthropic_usage(message["usage"])) {
            if (message["stop_reason"].text_or_empty().empty()) {  // or else the message is over already
                usage->output.reset();                             // a placeholder (T12)
                usage->passes.clear();                             // likewise
            }
            if (has_counts(*usage)) update(call, std::move(*usage));
        }
    } else if (type == "message_delta") {
        answer().finish(call, 0, document["delta"]["stop_reason"].text_or_empty());
        read_tier(document["usage"], call);
        if (auto usage = read_anthropic_usage(document["usage"])) update(call, std::move(*usage));
    } else if (type == "message_stop") {
        end_stream(frame, calls);
    } else if (type == "error") {
        read_error(document, ErrorBody::of_success, call);
    } else if (type == "message" || document["content"].is_array()) {
        read_message(document, call);
        read_content(document["content"], {}, frame.time, call);
        read_tier(document["usage"], call);
        if (auto usage = read_anthropic_usage(document["usage"])) update(call, std::move(*usage));
    } else {
        read_error(document, ErrorBody::of_success, call);
    }
}

void AnthropicMessages::read_message(Json message, model::LlmCall& call) {
    set_if_given(call.response_id, message["id"].text_or_empty());
    set_if_given(call.response_model, message["model"].text_or_empty());
    answer().finish(call, 0, message["stop_reason"].text_or_empty());
}

void AnthropicMessages::read_content(Json content, std::string_view prefix, base::Time time, model::LlmCall& call) {
    std::size_t index = 0;
    content.each([&](Json block) {
        const std::string key = std::string(prefix) + std::to_string(index++);
        read_block(block, key, time, call);
        end_block(key, time, call);
    });
}

void AnthropicMessages::read_block(Json block, std::string_view key, base::Time time, model::LlmCall& call) {
    const std::string_view type = block["type"].text_or_empty();
    if (type == "tool_use") {  // not server_tool_use, mcp_tool_use: those the server runs itself
        answer().tool_id(call, key, block["id"].text_or_empty());
        answer().tool_name(call, key, block["name"].text_or_empty());
        // At the start of a stream the input is an empty object; what counts comes in deltas.
        if (block["input"].size() > 0) answer().tool_arguments(call, key, block["input"], time);
        answer().other_content(call, time);
    } else {
        answer().text(call, 0, block["text"].text_or_empty(), time);
        answer().reasoning(call, block["thinking"].text_or_empty(), time);
    }
}

// A tool without parameters is called with an empty object, which no delta brings.
void AnthropicMessages::end_block(std::string_view key, base::Time time, model::LlmCall& call) {
    if (!answer().has_tool(key)) return;
    const model::ToolCall* tool = answer().tool(call, key);
    if (tool != nullptr && tool->arguments.empty()) answer().tool_arguments(call, key, "{}", time);
}

void AnthropicMessages::read_delta(Json delta, std::string_view key, base::Time time, model::LlmCall& call) {
    if (const auto text = delta["text"].text()) {
        answer().text(call, 0, *text, time);
    } else if (const auto json = delta["partial_json"].text()) {
        if (answer().has_tool(key)) answer().tool_arguments(call, key, *json, time);
    } else if (const auto thinking = delta["thinking"].text()) {
        answer().reasoning(call, *thinking, time);
    }
}

JsonDialect::Chunks AnthropicMessages::chunks() const {
    static constexpr std::array<std::string_view, 3> kText{"delta.text", "delta.thinking", "delta.partial_json"};
    return {kText, {}};
}

}  // namespace llmsnoop::llm
