#pragma once
// Values as people write them: sizes, durations, switches. Errors (kind usage) say what is wanted.
#include <chrono>
#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace llmsnoop::app {

base::Result<std::uint64_t> parse_number(const std::string& text);
base::Result<std::int64_t> parse_integer(const std::string& text);
base::Result<std::uint64_t> parse_bytes(const std::string& text);  // 65536, 64KiB, 16MiB, 1GiB; or K, M, G
base::Result<std::chrono::milliseconds> parse_duration(const std::string& text);  // 250ms, 90s, 15m, 24h, 7d
base::Result<bool> parse_switch(const std::string& text);                         // true, yes, on; false, no, off

std::string show_bytes(std::uint64_t value);
std::string show_duration(std::chrono::milliseconds value);

}  // namespace llmsnoop::app
