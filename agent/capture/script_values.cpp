#include "agent/capture/script_values.h"

#include <arpa/inet.h>

#include <charconv>
#include <cmath>

namespace llmsnoop::capture {

namespace {

using base::error;

constexpr std::uint64_t kLength = std::uint64_t{1} << 60;

std::string quote(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

base::Result<std::uint64_t> script_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return error(quote(text) + " is not a number");
    return value;
}

base::Result<std::uint32_t> script_id(std::string_view text) {
    const auto value = script_number(text);
    if (!value || *value > 0xffff'ffff) return error(quote(text) + " is not an id");
    return static_cast<std::uint32_t>(*value);
}

base::Result<std::uint64_t> script_length(std::string_view text) {
    const auto value = script_number(text);
    if (!value || *value > kLength) return error(quote(text) + " is not a length");
    return *value;
}

base::Result<base::Duration> script_duration(std::string_view text) {
    const base::Error wrong = error(quote(text) + " is not a duration such as 12.5ms");
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc()) return wrong;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    double scale = 0;
    if (unit == "ns") scale = 1;
    if (unit == "us") scale = 1e3;
    if (unit == "ms") scale = 1e6;
    if (unit == "s") scale = 1e9;
    if (unit == "m") scale = 60e9;
    if (unit == "h") scale = 3600e9;
    const double ns = value * scale;
    if (scale == 0 || !(std::fabs(ns) < 1e17)) return wrong;
    return base::Duration(std::llround(ns));
}

base::Result<model::Endpoint> script_endpoint(const std::string& text) {
    const base::Error wrong = error(quote(text) + " is not an address such as 192.0.2.1:443");
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return wrong;
    const auto port = script_number(std::string_view(text).substr(colon + 1));
    if (!port || *port > 0xffff) return wrong;
    std::string host = text.substr(0, colon);
    model::Endpoint out;
    out.port = static_cast<std::uint16_t>(*port);
    int family = AF_INET;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        family = AF_INET6;
        out.address.family = model::Address::Family::ipv6;
    }
    if (inet_pton(family, host.c_str(), out.address.bytes.data()) != 1) return wrong;
    return out;
}

base::Result<std::string> script_hex(std::string_view digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        const int high = hex_digit(digits[i]);
        const int low = hex_digit(digits[i + 1]);
        if (high < 0 || low < 0) return error(quote(digits) + " has an odd digit");
        out.push_back(static_cast<char>(high << 4 | low));
    }
    if (digits.size() % 2 != 0) return error(quote(digits) + " has an odd digit");
    return out;
}

}  // namespace llmsnoop::capture
