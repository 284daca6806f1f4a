#pragma once
// Whole files, for scripts and what they include.
#include <string>

#include "agent/base/result.h"

namespace llmsnoop::capture {

// At most 512 MB: more is an error, as is what cannot be opened or read. The error names the file.
base::Result<std::string> read_script_file(const std::string& path);

}  // namespace llmsnoop::capture
