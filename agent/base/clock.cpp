#include "agent/base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace llmsnoop::base {

Time now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::string rfc3339(Time time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t stamp = seconds.time_since_epoch().count();
    std::tm parts{};
    if (gmtime_r(&stamp, &parts) == nullptr) parts = std::tm{};  // only for years beyond the range of an int
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ",
                                   parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                                   parts.tm_sec, static_cast<long long>((time - seconds).count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace llmsnoop::base
