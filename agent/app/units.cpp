#include "agent/app/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace llmsnoop::app {

namespace {

base::Error bad(const std::string& text, const char* wanted) {
    return base::error(fmt::format("'{}' is no {}", text, wanted), base::Error::Kind::usage);
}

// "15m" -> {"15", "m"}
std::pair<std::string, std::string> split_unit(const std::string& text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    return {text.substr(0, digits), text.substr(digits)};
}

struct Unit {
    const char* name;
    std::int64_t milliseconds;
};
constexpr Unit kUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

}  // namespace

base::Result<std::uint64_t> parse_number(const std::string& text) {
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem != std::errc() || end != text.data() + text.size()) return bad(text, "whole number");
    return out;
}

base::Result<std::int64_t> parse_integer(const std::string& text) {
    std::int64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem != std::errc() || end != text.data() + text.size()) return bad(text, "integer");
    return out;
}

base::Result<std::uint64_t> parse_bytes(const std::string& text) {
    constexpr const char* kWanted = "size (such as 65536, 64KiB or 16MiB)";
    auto [digits, unit] = split_unit(text);
    if (unit.size() == 3 && unit.substr(1) == "iB") unit.resize(1);
    const std::size_t power = unit.empty() ? 0 : std::string_view("KMGT").find(unit[0]) + 1;  // npos + 1 is 0
    const auto number = parse_number(digits);
    if (!number || unit.size() > 1 || (!unit.empty() && power == 0)) return bad(text, kWanted);
    const std::uint64_t scale = std::uint64_t{1} << (10 * power);
    if (*number > ~std::uint64_t{0} / scale) return bad(text, "size below 16 EiB");
    return *number * scale;
}

base::Result<std::chrono::milliseconds> parse_duration(const std::string& text) {
    constexpr const char* kWanted = "duration (such as 250ms, 90s, 15m, 24h or 7d)";
    constexpr std::uint64_t kMost = 100'000'000;  // of any unit
    const auto [digits, unit] = split_unit(text);
    const auto number = parse_number(digits);
    const auto* at = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&, name = unit](const Unit& one) { return name == one.name; });
    if (!number || *number > kMost || at == std::end(kUnits)) return bad(text, kWanted);
    return std::chrono::milliseconds(static_cast<std::int64_t>(*number) * at->milliseconds);
}

base::Result<bool> parse_switch(const std::string& text) {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    return bad(text, "switch (true or false)");
}

std::string show_bytes(std::uint64_t value) {
    constexpr const char* kNames[] = {"TiB", "GiB", "MiB", "KiB"};
    unsigned shift = 40;
    for (const char* name : kNames) {
        if (value != 0 && value % (std::uint64_t{1} << shift) == 0) return fmt::format("{}{}", value >> shift, name);
        shift -= 10;
    }
    return std::to_string(value);
}

std::string show_duration(std::chrono::milliseconds value) {
    for (const Unit& one : kUnits) {
        if (value.count() != 0 && value.count() % one.milliseconds == 0)
            return fmt::format("{}{}", value.count() / one.milliseconds, one.name);
    }
    return "0s";
}

}  // namespace llmsnoop::app
