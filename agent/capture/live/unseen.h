#pragma once
// Why TLS of a process may not be seen: what of its files is known to have TLS code, and what became of it.
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/capture/live/probed_files.h"
#include "agent/model/blind.h"

namespace llmsnoop::capture::live {

// The TLS library that a file of this name is and that no finder covers; empty: none that is known.
std::string_view untraced_library(std::string_view path);

// Looks at what the process has mapped. Nothing if it has ended.
std::optional<model::BlindCause> why_unseen(std::uint32_t pid, const ProbedFiles& files);

}  // namespace llmsnoop::capture::live
