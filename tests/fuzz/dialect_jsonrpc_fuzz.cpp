// MCP and A2A.
#include "dialect_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using llmsnoop::fuzz::Place;
    static constexpr Place kPlaces[] = {
        {"POST", "/mcp", "tools.internal", "text/event-stream",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}}"},
        {"POST", "/", "agent.internal", "text/event-stream",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message/stream\",\"params\":{}}"},
    };
    return llmsnoop::fuzz::fuzz_dialect(kPlaces, data, size);
}
