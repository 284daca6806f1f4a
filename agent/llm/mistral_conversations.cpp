#include "agent/llm/mistral_conversations.h"

#include <array>
#include <string>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

void MistralConversations::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (body["agent_id"].text()) call.operation = "invoke_agent";
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    PromptWriter prompt(call);
    if (const auto instructions = body["instructions"].text()) prompt.add("system", *instructions);
    const Json inputs = body["inputs"];
    if (const auto text = inputs.text()) prompt.add("user", *text);
    inputs.each([&](Json entry) {
        if (const auto result = entry["result"].text()) return prompt.add("tool", *result);
        const PartsText text = text_of_parts(entry["content"]);
        const std::string_view role = entry["role"].text_or_empty();
        prompt.add(role.empty() ? "user" : role, text.text, text.other_parts);
    });
    set_tool_definitions(call, body["tools"]);
}

void MistralConversations::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    const std::string_view type = document["type"].text_or_empty();
    if (type == "conversation.response.error") {
        set_error(call, text_or_number(document["code"]), document["message"].text_or_empty());
    } else {
        read_error(document, ErrorBody::of_success, call);
    }
    if (auto usage = read_openai_usage(document["usage"])) call.reported = std::move(usage);
    read_entry(document, type, frame.time, call);
    document["outputs"].each([&](Json entry) { read_entry(entry, entry["type"].text_or_empty(), frame.time, call); });
    if (type == "conversation.response.done") end_stream(frame, calls);
}

void MistralConversations::read_entry(Json entry, std::string_view type, base::Time time, model::LlmCall& call) {
    if (type == "message.output" || type == "message.output.delta") {
        set_if_given(call.response_model, entry["model"].text_or_empty());
        read_content(entry["content"], time, call);
    } else if (type == "function.call" || type == "function.call.delta") {
        const std::string key(entry["tool_call_id"].text_or_empty());
        answer().tool_id(call, key, key);
        answer().tool_name(call, key, entry["name"].text_or_empty());
        answer().tool_arguments(call, key, entry["arguments"], time);
    } else {
        return;  // what the server did by itself
    }
    if (call.response_id.empty()) set_if_given(call.response_id, entry["id"].text_or_empty());
}

void MistralConversations::read_content(Json content, base::Time time, model::LlmCall& call) {
    if (const auto text = content.text()) return answer().text(call, 0, *text, time);
    const auto read = [&](Json part) {
        const std::string_view type = part["type"].text_or_empty();
        if (type == "thinking") {
            answer().reasoning(call, text_of_parts(part["thinking"]).text, time);
        } else if (type == "text") {
            answer().text(call, 0, part["text"].text_or_empty(), time);
        } else if (type == "tool_file" || type == "image_url") {
            answer().other_content(call, time);
        }
    };
    if (content.is_array()) {
        content.each(read);
    } else if (content) {
        read(content);
    }
}

JsonDialect::Chunks MistralConversations::chunks() const {
    static constexpr std::array<std::string_view, 1> kText{"content"};
    static constexpr std::array<std::string_view, 1> kUnread{"created_at"};
    return {kText, kUnread};
}

}  // namespace llmsnoop::llm
