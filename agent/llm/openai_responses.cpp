#include "agent/llm/openai_responses.h"

#include <algorithm>
#include <array>

#include "agent/llm/limits.h"
#include "agent/llm/usage_reader.h"

namespace llmsnoop::llm {
namespace {

// Items by which the model asks the client to call something. What the server calls itself (web_search_call, mcp_call)
// is none.
bool is_tool_call(std::string_view type) {
    return type == "function_call" || type == "custom_tool_call";
}

bool is_over(std::string_view status) {
    return status == "completed" || status == "incomplete" || status == "failed" || status == "cancelled";
}

}  // namespace

void ResponseReader::read_request(Json body, model::LlmCall& call) {
    set_if_given(call.request_model, body["model"].text_or_empty());
    if (!call.stream) call.stream = body["stream"].truth().value_or(false);
    PromptWriter prompt(call);
    if (const auto instructions = body["instructions"].text()) prompt.add("system", *instructions);
    const Json input = body["input"];
    if (const auto text = input.text()) prompt.add("user", *text);
    input.each([&](Json item) {
        const Json content = item["content"] ? item["content"] : item["output"];
        const PartsText text = text_of_parts(content);
        if (item["role"] || content) {
            prompt.add(item["role"] ? item["role"].text_or_empty() : "tool", text.text, text.other_parts);
        }
    });
    set_tool_definitions(call, body["tools"]);
    // What the server remembers or stores is part of the prompt too.
    if (body["previous_response_id"] || body["conversation"] || body["prompt"]) call.prompt_cut = true;
}

ResponseReader::State ResponseReader::read(Json document, base::Time time, model::LlmCall& call) {
    const std::string_view type = document["type"].text_or_empty();
    if (type == "response.output_text.delta" || type == "response.refusal.delta") {
        answer_.text(call, 0, document["delta"].text_or_empty(), time);
        items_seen_ = true;
    } else if (type == "response.reasoning_summary_text.delta" || type == "response.reasoning_text.delta") {
        answer_.reasoning(call, document["delta"].text_or_empty(), time);
    } else if (type == "response.function_call_arguments.delta" || type == "response.custom_tool_call_input.delta") {
        if (const OpenItem* item = open_item(document["item_id"], document["output_index"], {})) {
            answer_.tool_arguments(call, item->key, document["delta"].text_or_empty(), time);
        }
    } else if (type == "response.output_item.added" || type == "response.output_item.done") {
        items_seen_ = true;
        const Json item = document["item"];
        if (!is_tool_call(item["type"].text_or_empty())) return State::running;
        const OpenItem* known = open_item(item["id"], document["output_index"], item["call_id"]);
        if (known == nullptr) known = begin_item(item, document["output_index"], call);
        if (known != nullptr) read_item(item, known->key, time, call);
    } else if (type == "error") {
        read_error(document, ErrorBody::of_http_error, call);
        return State::over;
    } else if (const Json response = document["response"]) {
        return read_response(response, time, call);
    } else if (document["object"].text_or_empty().starts_with("response") || document["output"].is_array()) {
        return read_response(document, time, call);
    } else if (type.empty()) {
        read_error(document, ErrorBody::of_success, call);
    }
    return State::running;
}

// GitHub Copilot gives an item another identifier in each event; the place says which it is. Servers that count every
// item as 0 tell their calls apart by identifiers.
const ResponseReader::OpenItem* ResponseReader::open_item(Json id, Json output_index, Json call_id) const {
    const std::string wanted = bounded(id.text_or_empty());
    if (!wanted.empty()) {
        for (const OpenItem& one : open_items_) {
            if (one.id == wanted) return &one;
        }
    }
    const auto place = output_index.count();
    if (!place && !wanted.empty()) return nullptr;
    const std::string call = bounded(call_id.text_or_empty());
    const auto at = std::find_if(open_items_.rbegin(), open_items_.rend(), [&](const OpenItem& one) {
        return one.place == place.value_or(0) && (call.empty() || one.call_id.empty() || one.call_id == call);
    });
    return at == open_items_.rend() ? nullptr : &*at;
}

const ResponseReader::OpenItem* ResponseReader::begin_item(Json item, Json output_index, const model::LlmCall& call) {
    if (open_items_.size() >= limits::kToolCalls) return nullptr;
    return &open_items_.emplace_back(
        OpenItem{bounded(item["id"].text_or_empty()), bounded(item["call_id"].text_or_empty()),
                 output_index.count().value_or(0), "item " + std::to_string(call.tool_calls.size())});
}

ResponseReader::State ResponseReader::read_response(Json response, base::Time time, model::LlmCall& call) {
    set_if_given(call.response_id, response["id"].text_or_empty());
    set_if_given(call.response_model, response["model"].text_or_empty());
    set_if_given(call.service_tier, response["service_tier"].text_or_empty());
    const std::string_view status = response["status"].text_or_empty();
    answer_.finish(call, 0, status);
    read_error(response, ErrorBody::of_success, call);
    if (auto usage = read_openai_usage(response["usage"])) call.reported = std::move(usage);
    if (!items_seen_) {
        std::size_t index = 0;
        response["output"].each([&](Json item) {
            read_item(item, std::to_string(index++), time, call);
            read_text(item, time, call);
        });
    }
    return is_over(status) ? State::over : State::running;
}

void ResponseReader::read_item(Json item, const std::string& key, base::Time time, model::LlmCall& call) {
    if (!is_tool_call(item["type"].text_or_empty())) return;
    answer_.tool_id(call, key, item["call_id"].text_or_empty());
    answer_.tool_name(call, key, item["name"].text_or_empty());
    const Json arguments = item["arguments"] ? item["arguments"] : item["input"];
    // An item that is done repeats the arguments that came in deltas.
    const model::ToolCall* known = answer_.tool(call, key);
    if (known != nullptr && known->arguments.empty()) answer_.tool_arguments(call, key, arguments, time);
}

void ResponseReader::read_text(Json item, base::Time time, model::LlmCall& call) {
    item["summary"].each([&](Json part) { answer_.reasoning(call, part["text"].text_or_empty(), time); });
    const bool thinking = item["type"].text_or_empty() == "reasoning";
    item["content"].each([&](Json part) {
        const std::string_view text = part["text"].text_or_empty();
        if (thinking) {
            answer_.reasoning(call, text, time);
        } else {
            answer_.text(call, 0, text, time);
            answer_.text(call, 0, part["refusal"].text_or_empty(), time);
        }
    });
}

void OpenaiResponses::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    ResponseReader::read_request(body, calls.open());
}

void OpenaiResponses::on_response(Json document, const model::Frame& frame, Calls& calls) {
    reader_.read(document, frame.time, calls.open());
    // Behind an "error" comes "response.failed", with what it has cost.
    constexpr std::string_view kLast[] = {"response.completed", "response.incomplete", "response.failed",
                                          "response.cancelled"};
    if (std::find(std::begin(kLast), std::end(kLast), document["type"].text_or_empty()) != std::end(kLast))
        end_stream(frame, calls);
}

JsonDialect::Chunks OpenaiResponses::chunks() const {
    static constexpr std::array<std::string_view, 1> kText{"delta"};
    static constexpr std::array<std::string_view, 2> kUnread{"sequence_number", "obfuscation"};
    return {kText, kUnread};
}

void TokenCounting::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    set_if_given(call.request_model, body["model"].text_or_empty());
    call.stream = false;
}

void TokenCounting::on_response(Json document, const model::Frame& /*frame*/, Calls& calls) {
    calls.do_not_count();
    read_error(document, ErrorBody::of_success, calls.open());
}

}  // namespace llmsnoop::llm
