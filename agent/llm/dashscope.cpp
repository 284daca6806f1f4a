#include "agent/llm/dashscope.h"

#include <string>

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

void DashScope::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    const Json parameters = body["parameters"];
    incremental_ = parameters["incremental_output"].truth().value_or(false);
    const Json input = body["input"];
    read_messages(input["messages"], call);
    PromptWriter prompt(call);
    if (const auto text = input["prompt"].text()) prompt.add("user", *text);
    input["texts"].each([&](Json text) { prompt.add("user", text.text_or_empty()); });
    set_tool_definitions(call, parameters["tools"]);
}

void DashScope::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.response_id, document["request_id"].text_or_empty());
    const Json output = document["output"];
    if (!output && document["code"]) {  // {"code", "message", "request_id"}, also within a stream
        read_error(document, ErrorBody::of_http_error, call);
        return;
    }
    if (const auto text = output["text"].text()) {
        add_text(call, 0, *text, frame.time);
        if (output["finish_reason"].text_or_empty() != "null")
            answer().finish(call, 0, output["finish_reason"].text_or_empty());
    }
    std::size_t position = 0;
    output["choices"].each([&](Json choice) {
        const std::size_t index = static_cast<std::size_t>(choice["index"].count().value_or(position));
        ++position;
        read_message(choice["message"], index, frame.time, call);
        const std::string_view reason = choice["finish_reason"].text_or_empty();
        if (reason != "null") answer().finish(call, index, reason);  // literally, while the stream runs
    });
    if (auto usage = read_openai_usage(document["usage"])) {
        if (kind_ == Kind::embeddings) {
            if (!usage->input) usage->input = usage->total;
            if (!usage->output) usage->output = 0;
            usage->rule = model::UsageRule::plain;
        }
        call.reported = std::move(usage);
    }
}

void DashScope::add_text(model::LlmCall& call, std::size_t choice, std::string_view text, base::Time time) {
    if (incremental_) {
        answer().text(call, choice, text, time);
    } else {
        answer().text_so_far(call, choice, text, time);
    }
}

void DashScope::read_message(Json message, std::size_t choice, base::Time time, model::LlmCall& call) {
    const std::string_view reasoning = message["reasoning_content"].text_or_empty();
    if (incremental_) {
        answer().reasoning(call, reasoning, time);
    } else {
        answer().reasoning_so_far(call, reasoning, time);
    }
    add_text(call, choice, text_of_parts(message["content"]).text, time);
    std::uint64_t position = 0;
    message["tool_calls"].each([&](Json tool) {
        const std::uint64_t index = tool["index"].count().value_or(position++);
        const std::string key = std::to_string(choice) + "/" + std::to_string(index);
        const std::string_view arguments = tool["function"]["arguments"].text_or_empty();
        answer().tool_id(call, key, tool["id"].text_or_empty());
        answer().tool_name(call, key, tool["function"]["name"].text_or_empty());
        if (incremental_) {
            answer().tool_arguments(call, key, arguments, time);
        } else {
            answer().tool_arguments_so_far(call, key, arguments, time);
        }
    });
}

}  // namespace llmsnoop::llm
