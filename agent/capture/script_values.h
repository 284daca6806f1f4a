#pragma once
// Values as scripts write them (script_source.h). What is not well-formed is an error that quotes it.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/clock.h"
#include "agent/base/result.h"
#include "agent/model/endpoint.h"

namespace llmsnoop::capture {

base::Result<std::uint64_t> script_number(std::string_view text);
base::Result<std::uint32_t> script_id(std::string_view text);            // of a process or user
base::Result<std::uint64_t> script_length(std::string_view text);        // of a stream or a part of it: at most 2^60
base::Result<base::Duration> script_duration(std::string_view text);     // 12.5ms; at most three years
base::Result<model::Endpoint> script_endpoint(const std::string& text);  // 192.0.2.1:443, [2001:db8::1]:443
base::Result<std::string> script_hex(std::string_view digits);           // the bytes

}  // namespace llmsnoop::capture
