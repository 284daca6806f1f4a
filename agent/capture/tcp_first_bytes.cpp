#include "agent/capture/tcp_first_bytes.h"

#include <algorithm>
#include <string_view>

namespace llmsnoop::capture {

namespace {

// RFC 9112 section 3: method SP request-target SP HTTP-version. The line may go on beyond this packet; then the method
// and the beginning of the target must do. "PRI * HTTP/2.0" of RFC 9113 section 3.4 has the same form.
bool is_request_line(std::string_view text) {
    const std::size_t method = text.substr(0, 20).find(' ');
    if (method == std::string_view::npos || method < 3) return false;
    const bool upper = std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(method),
                                   [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!upper) return false;
    const std::string_view target = text.substr(method + 1);
    const std::size_t line = target.find('\n');
    if (line != std::string_view::npos) return target.substr(0, line).find(" HTTP/") != std::string_view::npos;
    return target.starts_with('/') || target.starts_with("* ") || target.starts_with("http");
}

}  // namespace

FirstBytes kind_of_first_bytes(base::Bytes payload) {
    const std::string_view text = base::as_text(payload);
    if (text.starts_with("HTTP/1.")) return FirstBytes::response;
    return is_request_line(text) ? FirstBytes::request : FirstBytes::unknown;
}

}  // namespace llmsnoop::capture
