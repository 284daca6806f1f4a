#include "agent/llm/openai_assistants.h"

#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {

void OpenaiAssistants::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    if (const auto instructions = body["instructions"].text()) PromptWriter(call).add("system", *instructions);
    read_messages(body["additional_messages"], call);
    read_messages(body["thread"]["messages"], call);
    set_tool_definitions(call, body["tools"]);
}

void OpenaiAssistants::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    const std::string_view object = document["object"].text_or_empty();
    if (object == "thread.run") {
        read_run(document, frame.time, call);
    } else if (object == "thread.message.delta") {
        document["delta"]["content"].each(
            [&](Json part) { answer().text(call, 0, part["text"]["value"].text_or_empty(), frame.time); });
    }
}

void OpenaiAssistants::read_run(Json run, base::Time time, model::LlmCall& call) {
    set_if_given(call.response_id, run["id"].text_or_empty());
    set_if_given(call.response_model, run["model"].text_or_empty());
    answer().finish(call, 0, run["status"].text_or_empty());
    run["required_action"]["submit_tool_outputs"]["tool_calls"].each([&](Json tool) {
        const std::string_view id = tool["id"].text_or_empty();
        if (answer().has_tool(id)) return;  // a later event of the run repeats it
        answer().tool_id(call, id, id);
        answer().tool_name(call, id, tool["function"]["name"].text_or_empty());
        answer().tool_arguments(call, id, tool["function"]["arguments"], time);
    });
    if (const Json failure = run["last_error"])
        set_error(call, failure["code"].text_or_empty(), failure["message"].text_or_empty());
    if (auto usage = read_openai_usage(run["usage"])) call.reported = std::move(usage);
}

}  // namespace llmsnoop::llm
