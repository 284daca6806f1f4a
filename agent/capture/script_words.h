#pragma once
// The words of a line of a script (script_source.h).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::capture {

struct ScriptWord {
    enum class Kind : std::uint8_t { plain, quoted, file };

    Kind kind = Kind::plain;
    std::string text;         // without quotes and escapes, or the name of the file
    std::uint64_t times = 1;  // of pieces: *COUNT
};

base::Result<std::vector<ScriptWord>> split_script_line(std::string_view line);

}  // namespace llmsnoop::capture
