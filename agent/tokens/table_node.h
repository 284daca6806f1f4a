#pragma once
// A text file as a tree that remembers its lines, so that what is wrong with it can be said with the line. Read from
// YAML, of which JSON is a part, or, many times faster but without lines, from JSON.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::tokens {

struct TableNode {
    enum class Kind : std::uint8_t { scalar, list, map };

    Kind kind = Kind::scalar;
    int line = 0;      // from 1; 0 is unknown
    std::string name;  // where it is a member of a map
    std::string text;  // of a scalar
    std::vector<TableNode> members;
};

// Errors say "FILE:LINE: what is wrong". Trees that are out of all proportion (aliases let a small YAML file hold a
// huge one) are refused.
base::Result<TableNode> read_yaml(std::string_view text, const std::string& file);
base::Result<TableNode> read_json(std::string_view text, const std::string& file);

}  // namespace llmsnoop::tokens
