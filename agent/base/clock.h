#pragma once
// Times and their text form. Every time in the agent is wall clock, UTC, nanoseconds; a capture source converts once.
#include <chrono>
#include <string>

namespace llmsnoop::base {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

inline Time time_from_unix_ns(std::int64_t ns) {
    return Time(Duration(ns));
}
inline std::int64_t unix_ns(Time time) {
    return time.time_since_epoch().count();
}
inline double milliseconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

Time now();

// RFC 3339, UTC, nanoseconds: "2026-11-20T10:38:00.123456789Z".
std::string rfc3339(Time time);

}  // namespace llmsnoop::base
