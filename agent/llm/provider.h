#pragma once
// Who runs the model, named after the host that was asked: OpenTelemetry's gen_ai.provider.name where there is one,
// otherwise the registrable host ("openrouter.ai"), and "self_hosted" for hosts of one's own. Pure functions.
#include <string>
#include <string_view>

namespace llmsnoop::llm {

// `authority`: Host or :authority, may be empty; then `server_name` (SNI) counts. Empty if neither says anything and
// the server's address is a public one.
std::string provider_of(std::string_view authority, std::string_view server_name, bool server_is_private);

// True for hosts that serve nothing but model APIs: there a path is as good as a body.
bool is_model_host(std::string_view authority, std::string_view server_name);

// The host of an authority, in lower case, without port and without a dot at the end.
std::string host_of(std::string_view authority);

}  // namespace llmsnoop::llm
