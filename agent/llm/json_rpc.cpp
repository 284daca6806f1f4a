#include "agent/llm/json_rpc.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view one) { return text.starts_with(one); });
}

}  // namespace

std::optional<RpcProtocol> protocol_of_method(std::string_view method) {
    // A2A 0.x writes "message/send"; 1.0 "SendMessage".
    static constexpr std::array<std::string_view, 9> kA2a{
        "SendMessage",      "SendStreamingMessage", "GetTask",
        "ListTasks",        "CancelTask",           "SubscribeToTask",
        "TaskSubscription", "GetExtendedAgentCard", "agent/getAuthenticatedExtendedCard"};
    if (starts_with_any(method, {"message/send", "message/stream", "tasks/pushNotificationConfig/", "tasks/resubscribe",
                                 "tasks/send", "tasks/sendSubscribe"}) ||
        std::find(kA2a.begin(), kA2a.end(), method) != kA2a.end()) {
        return RpcProtocol::a2a;
    }
    // "tasks/get" and "tasks/cancel" exist in both; MCP's tasks are an extension, so that they count as A2A's.
    if (method == "tasks/get" || method == "tasks/cancel") return RpcProtocol::a2a;
    static constexpr std::array<std::string_view, 7> kMcp{
        "initialize",         "ping",           "completion/complete", "logging/setLevel", "sampling/createMessage",
        "elicitation/create", "server/discover"};
    if (starts_with_any(method, {"tools/", "resources/", "prompts/", "roots/", "notifications/", "tasks/list",
                                 "tasks/result", "subscriptions/"}) ||
        std::find(kMcp.begin(), kMcp.end(), method) != kMcp.end()) {
        return RpcProtocol::mcp;
    }
    return std::nullopt;
}

JsonRpc::JsonRpc(RpcProtocol protocol, const model::MessageHead& request, Calls& calls, model::LossCounters& losses)
    : JsonDialect(losses), protocol_(protocol) {
    if (protocol != RpcProtocol::mcp || model::header(request, "mcp-method") != "tools/call") return;
    if (const auto name = model::header(request, "mcp-name"); name && !name->empty()) {
        add_tool_call(*name, {}, {}, calls.open());
        named_by_head_ = true;
    }
}

void JsonRpc::on_request(Json body, const model::Frame& /*frame*/, Calls& calls) {
    model::LlmCall& call = calls.open();
    PromptWriter prompt(call);
    if (body.is_array()) {  // a batch
        body.each([&](Json message) { read_request(message, prompt, call); });
    } else {
        read_request(body, prompt, call);
    }
}

void JsonRpc::read_request(Json message, PromptWriter& prompt, model::LlmCall& call) {
    const Json parameters = message["params"];
    if (protocol_ == RpcProtocol::mcp && message["method"].text_or_empty() == "tools/call") {
        if (named_by_head_) call.tool_calls.clear();  // the body has the arguments, too
        named_by_head_ = false;
        add_tool_call(parameters["name"].text_or_empty(), text_or_number(message["id"]), parameters["arguments"], call);
    }
    const Json text = parameters["message"];
    if (protocol_ == RpcProtocol::a2a && text) {
        const PartsText parts = text_of_parts(text["parts"]);
        prompt.add(text["role"].text_or_empty(), parts.text, parts.other_parts);
    }
}

// Not Answer::tool_call: the call is the client's, and nothing has been generated yet.
void JsonRpc::add_tool_call(std::string_view name, std::string_view id, Json arguments, model::LlmCall& call) {
    if (call.tool_calls.size() >= limits::kToolCalls) return;
    model::ToolCall& tool = call.tool_calls.emplace_back();
    tool.name = bounded(name);
    tool.id = bounded(id);
    std::string written;
    if (!arguments) return;
    if (!arguments.write(written, limits::kToolDefinitionBytes - argument_bytes_)) {
        call.prompt_cut = true;  // half of them would be worse than none
        return;
    }
    argument_bytes_ += written.size();
    tool.arguments = model::Content(std::move(written));
}

void JsonRpc::on_response(Json document, const model::Frame& frame, Calls& calls) {
    if (document.is_array()) {
        document.each([&](Json message) { read_response(message, frame.time, calls.open()); });
    } else {
        read_response(document, frame.time, calls.open());
    }
}

void JsonRpc::read_response(Json message, base::Time time, model::LlmCall& call) {
    read_error(message, ErrorBody::of_success, call);
    const Json result = message["result"];
    if (!result) return;
    // MCP: a tool that failed is a result, not an error of the protocol.
    if (protocol_ == RpcProtocol::mcp && result["isError"].truth().value_or(false)) {
        call.error.emplace();
        call.error->type = "tool_error";
        const std::string text = text_of_parts(result["content"]).text;
        call.error->message = model::Content(bounded_message(text));
        return;
    }
    const Json parts = result["artifact"]            ? result["artifact"]["parts"]
                       : result["status"]["message"] ? result["status"]["message"]["parts"]
                       : result["parts"]             ? result["parts"]
                                                     : result["content"];
    answer().text(call, 0, text_of_parts(parts).text, time);
    set_if_given(call.response_id, result["taskId"] ? result["taskId"].text_or_empty() : result["id"].text_or_empty());
}

}  // namespace llmsnoop::llm
