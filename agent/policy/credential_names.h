#pragma once
// Names of header fields and URL parameters whose values are credentials.
#include <string_view>

namespace llmsnoop::policy {

// By the end of the name: "authorization", "x-goog-api-key", "x-amz-security-token", ... Case does not matter. Two
// fields whose names end in "-key" are none: idempotency-key, and sec-websocket-key, which is random and needed to
// follow the handshake.
bool is_credential_header(std::string_view name);

// "key", "api_key", "access_token", "X-Amz-Signature", ...
bool is_credential_parameter(std::string_view name);

// Names longer than this are not looked at.
inline constexpr std::size_t kLongestCredentialName = 64;

}  // namespace llmsnoop::policy
