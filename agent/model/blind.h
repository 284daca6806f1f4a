#pragma once
// Blind spots: processes that talk to a model's host over TLS which is not read.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/model/process.h"

namespace llmsnoop::model {

enum class BlindReason : std::uint8_t {
    library_refused,       // a file has a TLS library without symbols, whose functions were not found for certain
    library_unsupported,   // a TLS library that is not traced
    library_not_attached,  // a TLS library that could be traced carries no probes: not yet, or they could not be set
    connection_missed,     // TLS of the process is traced, but this connection does not go through what is probed
    no_library,            // no TLS library that is known is in the process
    process_gone,          // the process ended before it could be looked at
};

inline constexpr std::array kBlindReasons{BlindReason::library_refused,      BlindReason::library_unsupported,
                                          BlindReason::library_not_attached, BlindReason::connection_missed,
                                          BlindReason::no_library,           BlindReason::process_gone};

std::string_view name_of(BlindReason value);

struct BlindCause {
    BlindReason reason = BlindReason::no_library;
    std::string detail;  // the file, and what was found in it; may be empty

    friend bool operator==(const BlindCause&, const BlindCause&) = default;
};

// What one process has with one host.
struct BlindHost {
    std::string host;
    BlindCause cause;  // of the last connection
    base::Time since;  // when the first such connection carried data
    base::Time last;   // ... and the last
    std::uint64_t connections = 0;

    friend bool operator==(const BlindHost&, const BlindHost&) = default;
};

struct BlindProcess {
    ProcessKey key;
    std::shared_ptr<const Identity> who;  // may be null
    std::optional<base::Time> ended;
    std::vector<BlindHost> hosts;  // at least one, by name
};

}  // namespace llmsnoop::model
