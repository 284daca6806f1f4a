#include "agent/policy/credential_names.h"

#include <algorithm>
#include <array>

namespace llmsnoop::policy {

namespace {

char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

bool ends_with(std::string_view name, std::string_view end) {
    return name.size() >= end.size() && std::equal(end.rbegin(), end.rend(), name.rbegin(),
                                                   [](char want, char have) { return want == lower(have); });
}

template <typename Ends>
bool ends_with_any(std::string_view name, const Ends& ends) {
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return ends_with(name, end); });
}

constexpr std::array<std::string_view, 10> kHeaderEnds{
    "authorization", "cookie", "-key", "apikey", "-token", "-secret", "-auth", "password", "signature", "credential"};
constexpr std::array<std::string_view, 2> kOtherKeys{"idempotency-key", "sec-websocket-key"};
constexpr std::array<std::string_view, 8> kParameterEnds{"key", "token",     "secret",     "password",
                                                         "sig", "signature", "credential", "authorization"};

}  // namespace

bool is_credential_header(std::string_view name) {
    return ends_with_any(name, kHeaderEnds) &&
           std::none_of(kOtherKeys.begin(), kOtherKeys.end(),
                        [&](std::string_view other) { return other.size() == name.size() && ends_with(name, other); });
}

bool is_credential_parameter(std::string_view name) {
    return ends_with_any(name, kParameterEnds);
}

}  // namespace llmsnoop::policy
