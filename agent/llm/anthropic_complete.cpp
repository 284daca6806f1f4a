#include "agent/llm/anthropic_complete.h"

#include <array>

namespace llmsnoop::llm {

void AnthropicComplete::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    PromptWriter(call).add("user", body["prompt"].text_or_empty());
}

void AnthropicComplete::on_response(Json document, const model::Frame& frame, Calls& calls) {
    model::LlmCall& call = calls.open();
    read_error(document, ErrorBody::of_success, call);
    set_if_given(call.response_id, document["id"].text_or_empty());
    set_if_given(call.response_model, document["model"].text_or_empty());
    answer().text(call, 0, document["completion"].text_or_empty(), frame.time);
    answer().finish(call, 0, document["stop_reason"].text_or_empty());
}

JsonDialect::Chunks AnthropicComplete::chunks() const {
    static constexpr std::array<std::string_view, 1> kText{"completion"};
    return {kText, {}};
}

}  // namespace llmsnoop::llm
