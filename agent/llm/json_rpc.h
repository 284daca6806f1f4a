#pragma once
// JSON-RPC 2.0 dialects: the Model Context Protocol (streamable HTTP: one endpoint, POST, answers as JSON or SSE) and
// A2A, which look alike and are told apart by their methods. No model is called and no token used: what counts is which
// tool was called, whether it failed, and how long it took.
//
// MCP from 2026-07-28 on names method and tool in headers (Mcp-Method, Mcp-Name), so that a lost body does no harm.
#include <optional>
#include <string_view>

#include "agent/llm/json_dialect.h"

namespace llmsnoop::llm {

enum class RpcProtocol : std::uint8_t { mcp, a2a };

// Whose method that is, if it is one of these two protocols'.
std::optional<RpcProtocol> protocol_of_method(std::string_view method);

class JsonRpc final : public JsonDialect {
 public:
    JsonRpc(RpcProtocol protocol, const model::MessageHead& request, Calls& calls, model::LossCounters& losses);

 protected:
    void on_request(Json body, const model::Frame& frame, Calls& calls) override;
    void on_response(Json document, const model::Frame& frame, Calls& calls) override;

 private:
    void read_request(Json message, PromptWriter& prompt, model::LlmCall& call);
    void read_response(Json message, base::Time time, model::LlmCall& call);
    void add_tool_call(std::string_view name, std::string_view id, Json arguments, model::LlmCall& call);

    RpcProtocol protocol_;
    bool named_by_head_ = false;
    std::size_t argument_bytes_ = 0;  // of all tool calls
};

}  // namespace llmsnoop::llm
